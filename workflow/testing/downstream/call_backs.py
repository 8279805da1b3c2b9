"""Telling senders that their transfer is through, until they have heard it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from workflow.testing.downstream.journal import Deed, Journal

_EVERY = 0.05
_TIMEOUT = 5.0


class CallBacks:
    """A thread that looks for due call-backs; those of an earlier life of the journal, too."""

    def __init__(
        self, journal: Journal, state: Callable[[Deed, float], dict[str, object]]
    ) -> None:
        self._journal = journal
        self._state = state
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="call-backs", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY):
            for deed, url in self._journal.call_backs(now=time.time()):
                status = _post(url, self._state(deed, time.time()))
                if status is not None:
                    with self._journal.writing() as journal:
                        journal.called_back(deed=deed.id, status=status)

    def close(self) -> None:
        """Stop, without waiting for what is due."""
        self._stopping.set()
        self._thread.join(_TIMEOUT + 1)


def _post(url: str, body: dict[str, object]) -> int | None:
    """Return the status that came back, None if nothing did: then it is tried again."""
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", path, body=json.dumps(body), headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return None
