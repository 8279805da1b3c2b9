"""The simulated downstreams as a child of a command, begun anew should they be killed."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

from workflow.examples.declarations.console.child import Child
from workflow.testing.downstream import Journal
from workflow.testing.downstream.simulators import STALL

_HOST = "127.0.0.1"
_ANSWERS_WITHIN = 20.0
_STOPS_WITHIN = 10.0


class NotUp(Exception):
    """They did not come up; the message is their own."""


class Downstreams:
    """`python -m workflow.testing.downstream`, on a free port that it keeps."""

    def __init__(
        self,
        *,
        journal: Path,
        faults: float = 0.0,
        seed: int = 0,
        stall: float = STALL,
        output: Path | None = None,
    ) -> None:
        """Start them.

        Args:
            journal: File that keeps what they receive.
            faults: Share of calls that go wrong in each of four ways.
            stall: Seconds without an answer, and after which a late call lands.
            output: File to which what they print is added.
        """
        journal.parent.mkdir(parents=True, exist_ok=True)
        port = _free_port()
        self.url = f"http://{_HOST}:{port}"
        self._port = port
        self._output = output
        self._arguments = (
            *("--port", str(port), "--journal", str(journal)),
            *("--faults", str(faults), "--seed", str(seed), "--stall", str(stall)),
        )
        self.journal = Journal(journal)
        self._child = self._start()

    def _start(self) -> Child:
        self._began = time.monotonic()
        return Child(
            name="downstreams",
            command=[sys.executable, "-m", "workflow.testing.downstream", *self._arguments],
            output=self._output,
        )

    def wait(self) -> None:
        """Return once they answer.

        Raises:
            NotUp: They do not.
        """
        until = time.monotonic() + _ANSWERS_WITHIN
        while time.monotonic() < until and self._child.exit_code is None:
            try:
                socket.create_connection((_HOST, self._port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise NotUp(f"The simulated downstreams did not come up:\n{self._child.last_lines()}")

    def watch(self) -> str:
        """Start them again if they ended; return what to tell about that, if anything."""
        code = self._child.exit_code
        if code is None or time.monotonic() - self._began < 2:  # noqa: PLR2004  (no endless starts)
            return ""
        told = f"The simulated downstreams ended with exit code {code}; starting them again.\n"
        told += self._child.last_lines()
        self._child.kill()
        self._child.close()
        self._child = self._start()
        return told

    def kill(self) -> None:
        """End them by SIGKILL; `watch` starts them again, on the same port."""
        self._child.kill()

    def stop(self) -> None:
        """Stop them; what they kept stays."""
        self._child.stop(within=_STOPS_WITHIN)
        self._child.close()

    def close(self) -> None:
        """Let go of what they kept."""
        self.journal.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
    return port
