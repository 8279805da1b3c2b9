"""Where workers that are to die come from: a process that forks one for each turn.

Starting Python and Django takes a second, forking a process that has them some milliseconds. Each
worker is a process of its own, with database connections of its own, and dies by a real SIGKILL.
The forge itself has neither threads nor connections, so there is nothing that a fork could break.

    python -m workflow.testing.forge       reads seconds ahead, one turn a line
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from workflow.engine.boundary import Boundary

_WITHIN = 120.0
"""Seconds that one turn may take."""


class WorkerFailed(Exception):
    """A worker neither died as told nor came to its end."""


class Forge:
    """Has worker processes run, one after the other."""

    def __init__(self, *, url: str, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it.

        Args:
            url: The database.
            folder: An empty one, to tell workers where to die.
        """
        self._folder = folder
        self._errors = (folder / "errors").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workflow.testing.forge"],
            env={
                **os.environ,
                **environment,
                "DATABASE_URL": url,
                "ESCAPEMENT_DIE_IN": str(folder),
                "LOG_LEVEL": "CRITICAL",
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )

    def work(self, *, ahead: timedelta, dies: Boundary | None = None, time: int = 1) -> bool:
        """Have one worker do all that is due; return whether it was killed.

        Args:
            ahead: How far its clock is put forward.
            dies: Where it is killed, the `time`th time it comes there; None: nowhere.

        Raises:
            WorkerFailed: It ended in another way; the message has its traceback.
        """
        mark = None if dies is None else self._folder / dies
        if mark is not None:
            mark.write_text(str(time), encoding="ascii")
        assert self._process.stdin
        try:
            self._process.stdin.write(f"{ahead.total_seconds()}\n".encode())
            self._process.stdin.flush()
            ended = self._answer()
        except BrokenPipeError:
            ended = "gone"
        if mark is not None:
            mark.unlink(missing_ok=True)
            mark.with_name(f"{mark.name}.pid").unlink(missing_ok=True)
        if ended == "0":
            return False
        if ended == str(-signal.SIGKILL) and mark is not None:
            return True
        self._errors.seek(0)
        told = self._errors.read()[-3000:].decode(errors="replace")
        raise WorkerFailed(f"A worker ended with {ended}.\n{told}")

    def _answer(self) -> str:
        assert self._process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(_WITHIN):
                return f"no answer within {_WITHIN:g} s"
        return self._process.stdout.readline().decode().strip() or "gone"

    def close(self) -> None:
        """End it, and a worker that is still there."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        self._errors.close()

    def __enter__(self) -> Self:
        """Return it, running."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.close()


def main() -> None:
    """Fork a worker for each line, and say how it ended: its exit code, or minus the signal."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django  # noqa: PLC0415  (the parent has no use for it)

    django.setup()
    from workflow.testing.drain import drain  # noqa: PLC0415  (needs loaded apps)

    gc.freeze()  # or each worker's first collection would copy all that it shares with this one
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become_worker(drain, timedelta(seconds=float(line)))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become_worker(drain: object, ahead: timedelta) -> None:
    code = 1
    try:
        drain(ahead=ahead, worker=f"crash/{os.getpid()}")  # type: ignore[operator]
        code = 0
    except BaseException:  # noqa: BLE001  (told, and the process ends)
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
