"""Child processes of a command: started, watched, stopped, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings

_LAST_LINES = 15
_LAST_BYTES = 8192


class Child:
    """One child with a session of its own, so that a terminal's Ctrl-C reaches only its parent.

    What it prints goes to a file, of which the end is shown if it fails.
    """

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str],
        changes: Mapping[str, str] | None = None,
        output: Path | None = None,
    ) -> None:
        """Start it.

        Args:
            changes: What to set in its environment.
            output: File to which its output is added; by default one that vanishes with it.
        """
        self.name = name
        self._output = open(output, "a+b") if output else tempfile.TemporaryFile()  # noqa: PTH123,SIM115  (lives as long as the child)
        self._process = subprocess.Popen(  # noqa: S603  (the command is a constant of this code)
            list(command),
            cwd=settings.BASE_DIR,
            env={**os.environ, **environment(), **(changes or {})},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def stop(self, *, within: float) -> bool:
        """Ask it to stop; kill it with all its descendants if it does not in so many seconds.

        Returns:
            Whether it stopped by itself. Safe to repeat.
        """
        if self.exit_code is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            return False
        finally:
            self.kill()
        return True

    def kill(self) -> None:
        """Kill what is left of it, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Let go of what it printed, once it is stopped and nobody will ask."""
        self._output.close()

    def last_lines(self) -> str:
        """Return the end of what it printed."""
        descriptor = self._output.fileno()
        end = os.fstat(descriptor).st_size
        # Not by seeking: the child shares the file's position and would go on writing there.
        told = os.pread(descriptor, _LAST_BYTES, max(0, end - _LAST_BYTES))
        lines = told.decode(errors="replace").splitlines()
        return "\n".join(f"  {self.name}| {line}" for line in lines[-_LAST_LINES:])


def django(*arguments: str) -> list[str]:
    """Return the command line that runs a management command in this very environment."""
    return [sys.executable, "-m", "django", *arguments]


class Workers:
    """`manage.py work` as a child, begun anew should it be killed from outside."""

    def __init__(
        self,
        *,
        workers: int,
        changes: Mapping[str, str] | None = None,
        output: Path | None = None,
    ) -> None:
        self._output = output
        self._arguments = ("work", "--workers", str(workers))
        self._changes = changes
        self._began = time.monotonic()
        self._child = self._start()

    def _start(self) -> Child:
        self._began = time.monotonic()
        return Child(
            name="workers",
            command=django(*self._arguments),
            changes=self._changes,
            output=self._output,
        )

    def watch(self) -> str:
        """Start it again if it ended; return what to tell about that, nothing if all is well.

        At most once in two seconds: one that cannot start at all would otherwise be started
        without end.
        """
        code = self._child.exit_code
        if code is None or time.monotonic() - self._began < 2:  # noqa: PLR2004  (see above)
            return ""
        told = f"The workers ended with exit code {code}; starting them again.\n"
        told += self._child.last_lines()
        self._child.kill()
        self._child.close()
        self._child = self._start()
        return told

    def stop(self, *, within: float) -> bool:
        """Let them finish what they have begun; return whether they did."""
        try:
            return self._child.stop(within=within)
        finally:
            self._child.close()


def environment() -> dict[str, str]:
    """Return what a child needs to find the same modules as this process."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
