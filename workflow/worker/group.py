"""A cluster's processes as one group, which can be told to stop, and killed without remainder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

_GONE_WITHIN = 5.0


class Group:
    """One running cluster: its main process, and all that descend from it."""

    def __init__(self, *, environment: Mapping[str, str]) -> None:
        """Start it, in a session of its own: a terminal's Ctrl-C reaches the supervisor alone."""
        self.main = subprocess.Popen(
            [sys.executable, "-m", "workflow.worker.serve"],
            stdin=subprocess.PIPE,
            env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        self.started = time.time()

    @property
    def has_ended(self) -> bool:
        """Whether the main process is gone; others may be left."""
        return self.main.poll() is not None

    def drain(self) -> None:
        """Ask it to finish what it has begun.

        Only once, and only its main process: django-q2 hangs on a second signal, and loses tasks
        on one to the whole group.
        """
        if not self.has_ended:
            self.main.send_signal(signal.SIGTERM)

    def kill(self) -> bool:
        """Kill every process of the group; return whether all of them are known to be gone."""
        try:
            os.killpg(self.main.pid, signal.SIGKILL)
        except ProcessLookupError:
            return True
        finally:
            self.main.wait()
            if self.main.stdin is not None:
                self.main.stdin.close()
        until = time.monotonic() + _GONE_WITHIN
        while time.monotonic() < until:
            if not self._has_members():
                return True
            time.sleep(0.01)
        return False

    def _has_members(self) -> bool:
        processes = Path("/proc")
        if not processes.is_dir():
            try:
                os.killpg(self.main.pid, 0)
            except ProcessLookupError:
                return False
            return True
        return any(_is_member(file, self.main.pid) for file in processes.glob("[0-9]*/stat"))


def _is_member(file: Path, group: int) -> bool:
    """Return whether a process is of the group and alive; a zombie, which nobody reaps, is not."""
    try:
        state, _parent, its_group, *_ = file.read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return int(its_group) == group and state != "Z"
