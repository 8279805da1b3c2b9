"""The replay as a process, with the processes that it starts."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.conftest import PROJECT


class Replay:
    """A running `manage.py replay_declarations`."""

    def __init__(self, url: str, log: Path, out: Path, *options: str) -> None:
        self.out = out
        # Files, not pipes: nobody reads while processes are killed, and a full pipe would block.
        self._said = out.with_suffix(".out")
        self._told = out.with_suffix(".err")
        with self._said.open("wb") as said, self._told.open("wb") as told:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "manage.py", "replay_declarations", str(log)),
                    *("--json", str(out), *options),
                ],
                cwd=PROJECT,
                env={**os.environ, "DATABASE_URL": url, "LEASE_SECONDS": "25"},
                stdout=said,
                stderr=told,
            )

    def destroy(self) -> None:
        """Kill what is left of it and of its children, parents first; for the end of a test."""
        for pid in (self.process.pid, *descendants(self.process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def finish(self, timeout: float = 120) -> tuple[int, str, str]:
        """Return its exit code, output and errors, once it has ended."""
        code = self.process.wait(timeout=timeout)
        return code, self._said.read_text(), self.errors()

    def errors(self) -> str:
        """Return its progress and errors so far."""
        return self._told.read_text()

    def table(self) -> dict[str, Any]:
        """Return what must not depend on kills and copies."""
        told: dict[str, Any] = json.loads(self.out.read_text())
        del told["sent"], told["deduplicated"]
        return told

    def clusters(self) -> list[int]:
        """Return the processes of the workers' clusters: workers, pusher, monitor, sentinel."""
        return [pid for pid in descendants(self.process.pid) if b"worker.serve" in command(pid)]


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def descendants(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, left = [], [root]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found


class Killer:
    """Kills a process of the workers' cluster at random, whatever it is doing."""

    def __init__(self, run: Replay, *, every: float, seed: int = 7) -> None:
        self._run = run
        self._every = every
        self._chance = random.Random(seed)
        self.kills = 0

    def until_done(self, *, at_most: int | None = None, whole: int = 1) -> int:
        """Kill until the replay ends; return how many.

        Args:
            at_most: Stop killing after so many.
            whole: Wait until the cluster has so many processes before each kill.
        """
        while self._run.process.poll() is None:
            try:
                self._run.process.wait(timeout=self._every)
            except subprocess.TimeoutExpired:
                if at_most is None or self.kills < at_most:
                    self._kill_one(whole)
        return self.kills

    def _kill_one(self, whole: int) -> None:
        alive = self._run.clusters()
        if len(alive) >= whole:
            os.kill(self._chance.choice(alive), signal.SIGKILL)
            self.kills += 1
