"""The hosts of a campaign: each runs one cluster, of one release, with a clock of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from workflow.examples.declarations.campaign.release.apps import CLOCK
from workflow.testing.cluster import Cluster

_WORKERS = 2
_BEGUN_ANEW_AFTER = 1.0
"""Seconds that a service manager waits before it starts again what has ended."""

_BOOT = 60.0


class Host:
    """One host, with the service manager that keeps `manage.py work` running on it."""

    def __init__(
        self, *, number: int, folder: Path, base: Path, release: int, changes: dict[str, str]
    ) -> None:
        self.name = f"host {number}"
        self.release = release
        self._folder = folder
        self._base = base
        self._number = number
        self._starts = 0
        self._ended: float | None = None
        self._changes = changes
        self._former: list[Cluster] = []
        self.clock = folder / f"clock-{number}"
        self.clock.write_text("0")
        self.remarks: list[str] = []
        self.cluster = self._start()

    def _start(self) -> Cluster:
        self._starts += 1
        self._ended = None
        return Cluster(
            log=self._folder / f"work-{self._number}-{self._starts}.log",
            workers=_WORKERS,
            environment={
                **self._changes,
                "CAMPAIGN_RELEASE": str(self.release),
                CLOCK: str(self.clock),
            },
            folder=self._base,
            boot=_BOOT,
        )

    @property
    def prefix(self) -> str:
        """How the names of its workers begin, since its supervisor was started."""
        return f"{socket.gethostname()}.{self.cluster.supervisor.pid}."

    @property
    def is_up(self) -> bool:
        """Whether its supervisor runs."""
        return self.cluster.supervisor.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether every process of its cluster is there."""
        return self.is_up and self.cluster.is_ready

    def watch(self, *, newest: int) -> None:
        """Do what a service manager does: start again what has ended.

        A release that lacks what live records need refuses to start (workflow.E012): then the
        deployment has come to this host, and it gets the newest.
        """
        if self.is_up:
            return
        now = time.monotonic()
        self._ended = self._ended or now
        if now - self._ended < _BEGUN_ANEW_AFTER:
            return
        if "workflow.E012" in self.cluster.text():
            self.release = newest
        self._former.append(self.cluster)
        self.cluster = self._start()

    def deploy(self, release: int) -> None:
        """Drain it, and start it with another release."""
        try:
            self.cluster.stop(seconds=30)
        except (subprocess.TimeoutExpired, AssertionError):
            self.cluster.destroy()
        self._former.append(self.cluster)
        self.release = release
        self.cluster = self._start()

    def lose(self) -> None:
        """End everything on it at once, supervisor first, as when its power fails."""
        self.cluster.processes()
        self.cluster.destroy()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every process on it."""
        for pid in (self.cluster.supervisor.pid, *self.cluster.processes()):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def stop(self) -> None:
        """Let it finish what it has begun, then see that nothing is left."""
        if self.is_up:
            try:
                self.cluster.stop(seconds=30)
            except (subprocess.TimeoutExpired, AssertionError):
                self.remarks.append(f"{self.name} did not drain in time")
        self.destroy()

    def destroy(self) -> None:
        """Kill all that is left of it."""
        for cluster in (*self._former, self.cluster):
            cluster.destroy()
