"""How a broker waits when nothing is due: briefly, and less if somebody announces work."""

from __future__ import annotations

import time
from typing import Any

from django.db import connection

from workflow.engine.announce import TOPIC

LONGEST = 0.2
"""Seconds between two looks, whatever happens: due times come without announcement."""

_SQLITE_LOOK = 0.005
_OTHER_LOOK = 0.02


class Idle:
    """Waits on one connection, in one process."""

    def __init__(self) -> None:
        self._listening: Any = None
        self._version: int | None = None

    def wait(self) -> bool:
        """Return after `LONGEST` seconds, or earlier when something was committed.

        Returns:
            Whether work was announced: then nobody needs to look whether there is any.
        """
        match connection.vendor:
            case "postgresql":
                return self._await_notification()
            case "sqlite":
                self._await_commit()
            case _:
                time.sleep(_OTHER_LOOK)
        return False

    def _await_notification(self) -> bool:
        connection.ensure_connection()
        raw: Any = connection.connection
        if self._listening is not raw:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {TOPIC}")
            # Work may have been announced just before: look once more, at once.
            self._listening = raw
            return False
        # The driver's own errors are nobody's to catch: a lost connection must look like one.
        with connection.wrap_database_errors:
            told = sum(1 for _ in raw.notifies(timeout=LONGEST, stop_after=1))
            # Many may have been waiting; all of them together call for one look.
            told += sum(1 for _ in raw.notifies(timeout=0))
        return told > 0

    def _await_commit(self) -> None:
        """SQLite counts the commits of other connections in `data_version`."""
        until = time.monotonic() + LONGEST
        with connection.cursor() as cursor:
            while time.monotonic() < until:
                version = cursor.execute("PRAGMA data_version").fetchone()[0]
                if version != self._version:
                    self._version = version
                    return
                time.sleep(_SQLITE_LOOK)
