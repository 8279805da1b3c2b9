"""The simulators as a process of their own, which can be killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from workflow.testing.downstream.journal import Journal

_ROOT = Path(__file__).resolve().parents[3]
_STOPS_WITHIN = 10.0


class SimulatorProcess:
    """`python -m workflow.testing.downstream` as a child; its address stays the same."""

    def __init__(
        self,
        *,
        journal: Path,
        faults: float = 0.0,
        seed: int = 0,
        port: int = 0,
        stall: float | None = None,
    ) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: It did not start; the message is its own.
        """
        self._options = [f"--journal={journal}", f"--faults={faults}", f"--seed={seed}"]
        if stall is not None:
            self._options.append(f"--stall={stall}")
        self.journal = Journal(journal)
        try:
            self.url = self._start(port)
        except RuntimeError:
            self.journal.close()
            raise

    def _start(self, port: int) -> str:
        self._process = subprocess.Popen(  # noqa: S603  (this very module)
            [
                *(sys.executable, "-m", "workflow.testing.downstream"),
                *(f"--port={port}", *self._options),
            ],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout
        told = self._process.stdout.readline().strip()
        if not told.startswith("http://"):
            _, problem = self._process.communicate()
            raise RuntimeError(f"The simulators did not start: {told}{problem}".strip())
        return told

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self._process.kill()
        self._process.communicate()

    def restart(self) -> None:
        """Start it again, at its address and on its journal, once it is dead."""
        self._start(int(self.url.rpartition(":")[2]))

    def close(self) -> None:
        """Stop it, if it runs."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.communicate(timeout=_STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                self.kill()
        self.journal.close()

    def __enter__(self) -> Self:
        """Return it, running."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.close()
