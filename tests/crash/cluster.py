"""A running `manage.py work`, whose processes are known by what they do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import PROJECT
from tests.crash.polling import until

BOOT = 20.0
"""Seconds that a cluster may take to be ready, on a busy machine."""

_SAYS = {
    "worker": re.compile(r"ready for work at (\d+)"),
    "monitor": re.compile(r"monitoring at (\d+)"),
    "pusher": re.compile(r"pushing tasks at (\d+)"),
}


class Work:
    """A supervisor with its cluster, on one database."""

    def __init__(self, url: str, log: Path, *, workers: int = 3, **environment: object) -> None:
        self.workers = workers
        self.log = log
        with log.open("wb") as out:
            self.supervisor = subprocess.Popen(
                [sys.executable, "manage.py", "work", "--workers", str(workers)],
                cwd=PROJECT,
                env={
                    **os.environ,
                    "DJANGO_SETTINGS_MODULE": "tests.crash.settings",
                    "DATABASE_URL": url,
                    "LOG_LEVEL": "INFO",
                    **{name: str(value) for name, value in environment.items()},
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        self._groups: set[int] = set()

    def ready(self, *, seconds: float = BOOT) -> Work:
        """Return once every process of the cluster is there."""
        until(self._is_ready, seconds=seconds, what=f"cluster ready: {self.text()[-3000:]}")
        return self

    def _is_ready(self) -> bool:
        assert self.supervisor.poll() is None, self.text()
        return (
            len(self.pids("worker")) >= self.workers
            and bool(self.pids("monitor"))
            and bool(self.pids("pusher"))
        )

    def text(self) -> str:
        return self.log.read_text()

    def pids(self, role: str) -> list[int]:
        """Return the live processes that have said they are this."""
        return [pid for pid in map(int, _SAYS[role].findall(self.text())) if is_alive(pid)]

    @property
    def main(self) -> int:
        """The cluster's main process, the leader of its group."""
        main = until(lambda: children(self.supervisor.pid), seconds=BOOT, what="main")[-1]
        self._groups.add(main)
        return main

    @property
    def sentinel(self) -> int:
        return until(lambda: children(self.main), seconds=BOOT, what="sentinel")[-1]

    def victims(self, role: str) -> list[int]:
        """Return the processes that have the role now."""
        single = {"main": lambda: self.main, "sentinel": lambda: self.sentinel}
        return [single[role]()] if role in single else self.pids(role)

    def idle(self) -> Work:
        """Return once every worker waits for work: one in the queue's pipe, others for its lock.

        Where the kernel does not tell what a process waits for, it is taken to be idle.
        """
        until(lambda: len(self._waiting()) == self.workers, seconds=BOOT, what="workers idle")
        return self

    def _waiting(self) -> list[int]:
        return [pid for pid in self.pids("worker") if _waits_for(pid, "pipe_read", "futex")]

    def holder(self) -> int:
        """Return the idle worker that holds the queue's lock while it reads the queue's pipe."""
        workers = self.pids("worker")
        return next((pid for pid in workers if _waits_for(pid, "pipe_read")), workers[0])

    @property
    def restarts(self) -> int:
        return self.text().count("cluster.starting") - 1

    def tell(self, number: int) -> None:
        """Send the supervisor a signal."""
        self._groups.add(self.main)
        self.supervisor.send_signal(number)

    def kill_supervisor(self) -> None:
        self._groups.add(self.main)
        self.supervisor.kill()
        self.supervisor.wait()

    def stop(self, number: int = signal.SIGTERM, *, seconds: float = 40) -> int:
        """Tell the supervisor to stop, wait, and return its exit code."""
        self.tell(number)
        return self.supervisor.wait(timeout=seconds)

    def left(self) -> list[int]:
        """Return the processes that are left of the groups that were seen."""
        return [pid for pid in _processes() if _field(pid, 2) in self._groups and is_alive(pid)]

    def destroy(self) -> None:
        """Kill what is left; for the end of a test, however it ended."""
        if self.supervisor.poll() is None:
            self._groups.update(children(self.supervisor.pid))
            self.supervisor.kill()
            self.supervisor.wait()
        for group in self._groups:
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                continue
        until(lambda: not self.left(), seconds=10, what="processes gone")


def kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """Return whether the process runs; a zombie, which nobody has waited for, does not."""
    return _field(pid, 0) not in (None, "Z")


def _waits_for(pid: int, *names: str) -> bool:
    try:
        told = Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        return False
    return told in ("", "0") or any(name in told for name in names)


def children(pid: int) -> list[int]:
    """Return the live children of a process, the youngest last."""
    return sorted(each for each in _processes() if _field(each, 1) == pid and is_alive(each))


def _processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]


def _field(pid: int, index: int) -> Any:
    """Return state (0), parent (1) or group (2) of a process; None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[index] if index == 0 else int(fields[index])
