"""A running `manage.py work`, whose processes are known by what they do, and can be killed.

Finds them in /proc and in the cluster's log: it needs Linux, and django-q2's logger at INFO.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

BOOT = 20.0
"""Seconds that a cluster may take to be ready, on a busy machine."""

_SAYS = {
    "worker": re.compile(rb"ready for work at (\d+)"),
    "monitor": re.compile(rb"monitoring at (\d+)"),
    "pusher": re.compile(rb"pushing tasks at (\d+)"),
}
_LOOK_EVERY = 0.01

T = TypeVar("T")


class Cluster:
    """A supervisor with its cluster, on one database."""

    def __init__(
        self,
        *,
        log: Path,
        workers: int,
        environment: Mapping[str, str],
        folder: Path,
        boot: float = BOOT,
        through: Sequence[str] = (),
    ) -> None:
        """Start it.

        Args:
            log: File that gets what its processes print.
            environment: What they are told beside this process's own.
            folder: Where they work.
            boot: Seconds that it may take to be ready.
            through: Command that runs it, such as `ip netns exec NAME`; must become it.
        """
        self.workers = workers
        self.log = log
        self._boot = boot
        self._read = 0
        self._rest = b""
        self._said: dict[str, list[int]] = {role: [] for role in _SAYS}
        with log.open("wb") as out:
            self.supervisor = subprocess.Popen(  # noqa: S603  (the command is a constant of this code)
                [*through, sys.executable, "-m", "django", "work", "--workers", str(workers)],
                cwd=folder,
                env={
                    **os.environ,
                    "LOG_LEVEL": "INFO",
                    "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), *sys.path])),
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        self._groups: set[int] = set()

    @property
    def is_ready(self) -> bool:
        """Whether every process of the cluster is there.

        Raises:
            AssertionError: The supervisor has ended.
        """
        if self.supervisor.poll() is not None:
            raise AssertionError(self.text()[-3000:])
        return (
            len(self.pids("worker")) >= self.workers
            and bool(self.pids("monitor"))
            and bool(self.pids("pusher"))
        )

    def text(self) -> str:
        """Return all that it has printed."""
        return self.log.read_text()

    def pids(self, role: str) -> list[int]:
        """Return the live processes that have said they are this: worker, monitor or pusher."""
        self._listen()
        living = [pid for pid in self._said[role] if is_alive(pid)]
        self._said[role] = living
        return list(living)

    def _listen(self) -> None:
        with self.log.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        self._read += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        text = b"\n".join(lines)
        for role, says in _SAYS.items():
            self._said[role] += map(int, says.findall(text))

    @property
    def main(self) -> int:
        """The cluster's main process, the leader of its group."""
        main = _until(lambda: children(self.supervisor.pid), seconds=self._boot, what="main")[-1]
        self._groups.add(main)
        return main

    @property
    def sentinel(self) -> int:
        """The process that looks after workers, monitor and pusher."""
        return _until(lambda: children(self.main), seconds=self._boot, what="sentinel")[-1]

    def victims(self, role: str) -> list[int]:
        """Return the processes that have the role now; main and sentinel are roles, too."""
        single = {"main": lambda: self.main, "sentinel": lambda: self.sentinel}
        return [single[role]()] if role in single else self.pids(role)

    @property
    def restarts(self) -> int:
        """How often the supervisor has begun its cluster anew."""
        return self.text().count("cluster.starting") - 1

    def tell(self, number: int) -> None:
        """Send the supervisor a signal."""
        self._groups.add(self.main)
        self.supervisor.send_signal(number)

    def kill_supervisor(self) -> None:
        """Kill the supervisor alone; its cluster notices, and ends."""
        self._groups.update(children(self.supervisor.pid))
        self.supervisor.kill()
        self.supervisor.wait()

    def stop(self, number: int = signal.SIGTERM, *, seconds: float = 40) -> int:
        """Tell the supervisor to stop, wait, and return its exit code."""
        self.tell(number)
        return self.supervisor.wait(timeout=seconds)

    def left(self) -> list[int]:
        """Return the processes that are left of the groups that were seen."""
        return [pid for pid in _processes() if _field(pid, 2) in self._groups and is_alive(pid)]

    def processes(self) -> list[int]:
        """Return every live process of the cluster but its supervisor."""
        self._groups.update(children(self.supervisor.pid))
        return self.left()

    def destroy(self) -> None:
        """Kill all that is left, as when a host goes away."""
        if self.supervisor.poll() is None:
            self._groups.update(children(self.supervisor.pid))
            self.supervisor.kill()
            self.supervisor.wait()
        for group in self._groups:
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                continue
        _until(lambda: not self.left(), seconds=10, what="processes gone")


def kill(*pids: int) -> None:
    """Kill processes by SIGKILL."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """Return whether the process runs; a zombie, which nobody has waited for, does not."""
    return _field(pid, 0) not in (None, "Z")


def waits_for(pid: int, *names: str) -> bool:
    """Return whether a process sleeps in one of these; true where the kernel does not tell."""
    try:
        told = Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        return False
    if told in ("", "0"):  # it runs, or the kernel does not tell
        is_asleep: bool = _field(pid, 0) == "S"
        return is_asleep
    return any(name in told for name in names)


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


def _until(look: Callable[[], T], *, seconds: float, what: str) -> T:
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(_LOOK_EVERY)
    return found
