"""The clusters of these tests: `manage.py work` with the desk's app, awaited and asserted."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import PROJECT
from tests.crash.polling import until
from workflow.testing.cluster import BOOT, Cluster, children, is_alive, kill, waits_for

__all__ = ["BOOT", "Work", "children", "is_alive", "kill"]


class Work(Cluster):
    """A cluster with the desk's workflows."""

    def __init__(self, url: str, log: Path, *, workers: int = 3, **environment: object) -> None:
        super().__init__(
            log=log,
            workers=workers,
            environment={
                "DJANGO_SETTINGS_MODULE": "tests.crash.settings",
                "DATABASE_URL": url,
                **{name: str(value) for name, value in environment.items()},
            },
            folder=PROJECT,
        )

    def ready(self, *, seconds: float = BOOT) -> Work:
        """Return once every process of the cluster is there."""
        until(lambda: self.is_ready, seconds=seconds, what=f"ready: {self.text()[-3000:]}")
        return self

    def idle(self) -> Work:
        """Return once every worker waits for work: one in the queue's pipe, others for its lock.

        Where the kernel does not tell what a process waits for, it is taken to be idle.
        """
        until(lambda: len(self._waiting()) == self.workers, seconds=BOOT, what="workers idle")
        return self

    def _waiting(self) -> list[int]:
        return [pid for pid in self.pids("worker") if waits_for(pid, "pipe_read", "futex")]

    def holder(self) -> int:
        """Return the idle worker that holds the queue's lock while it reads the queue's pipe."""
        workers = self.pids("worker")
        return next((pid for pid in workers if waits_for(pid, "pipe_read")), workers[0])
