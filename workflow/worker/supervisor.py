"""Keeping a cluster at work, whatever dies in it.

The problem: django-q2's processes share multiprocessing queues. One that is killed while it waits
on a queue dies holding the queue's lock, and from then on nobody reads: the processes look alive,
and nothing is done. The sentinel replaces the dead process and cannot know about the lock.

The rule: what counts is whether work that is due gets begun. The supervisor asks the database what
is due and reads the workers' pulse. If something is due, no worker has shown a sign of life for
`WEDGED_AFTER`, and not all of them are busy, the whole group is killed and started anew. It
knows then that the old workers are gone, so it takes back their claims at once.

A worker that is killed at a bad instant takes the sentinel with it, which waits for ever for a
lock that the dead one holds, and replaces nobody any more. So a cluster that is short of workers
for `SHORT_FOR` is started anew as well.

Nothing depends on the supervisor being right: a cluster killed for nothing costs a second or two,
and fences keep the results whole.
"""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import time
from pathlib import Path
from types import FrameType

import structlog
from django.db import DatabaseError, connection

from workflow.effects import rescue as effects
from workflow.effects.claim import is_due
from workflow.engine import clock
from workflow.engine.limits import limits
from workflow.engine.rescue import rescue_cluster
from workflow.worker import pulse, roll
from workflow.worker.group import Group
from workflow.worker.loop import CLUSTER
from workflow.worker.notify import VARIABLE, notify

log = structlog.get_logger(__name__)

WEDGED_AFTER = 3.0
"""Seconds that due work may wait without any worker's sign of life."""

SILENT_FOR = 8.0
"""Seconds without any worker's sign of life, due work or not; see `pulse.KNOCK_EVERY`.

Where another host takes all work at once, none is due for long, and nothing else would tell that
the queue between pusher and workers is stuck.
"""

SHORT_FOR = 5.0
"""Seconds that dead workers may go without being replaced; the sentinel looks twice a second."""

BOOT = 15.0
"""Seconds that a fresh cluster has until its first sign of life."""

_LOOK_EVERY = 0.25
_ROLL_EVERY = 5.0
_LONGEST_PAUSE = 30.0
"""Seconds between two starts of a cluster that ends before it has come to life."""


class Supervisor:
    """Runs one cluster until it is told to stop."""

    def __init__(self, *, workers: int) -> None:
        self.workers = workers
        self.cluster = f"{socket.gethostname()}.{os.getpid()}.{int(time.time())}"
        self._restarts = 0
        self._pause = 0.0
        self._due_since: float | None = None
        self._short_since: float | None = None
        self._newest = 0.0
        self._silent_looks = 0
        self._stopping = 0
        self._rolled = 0.0

    def run(self) -> bool:
        """Supervise until SIGTERM or SIGINT; return whether the cluster drained in time."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        with tempfile.TemporaryDirectory(prefix="escapement-") as folder:
            self._folder = Path(folder)
            group = self._start()
            notify("READY=1")
            while not self._stopping:
                notify("WATCHDOG=1")
                self._sign_roll()
                problem = self._problem(group)
                if problem:
                    group = self._restart(group, problem)
                time.sleep(_LOOK_EVERY)
            return self._end(group)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._stopping += 1
        log.info("cluster.stopping", cluster=self.cluster, signal=number, times=self._stopping)

    def _start(self) -> Group:
        self._due_since = self._short_since = None
        self._silent_looks = 0
        environment = {
            **{name: value for name, value in os.environ.items() if name != VARIABLE},
            pulse.VARIABLE: str(self._folder),
            CLUSTER: self.cluster,
            "WORKERS": str(self.workers),
        }
        log.info("cluster.starting", cluster=self.cluster, workers=self.workers)
        return Group(environment=environment)

    def _problem(self, group: Group) -> str:
        """Return why the cluster must be started anew, in words; empty when it is well."""
        signs = self._signs()
        if group.has_ended:
            return f"its main process ended with code {group.main.returncode}"
        return self._shortage(group, signs) or self._standstill(group, signs)

    def _shortage(self, group: Group, signs: pulse.Pulse) -> str:
        now = time.time()
        if signs.alive >= self.workers or not self._has_lived(group):
            self._short_since = None
            return ""
        self._short_since = self._short_since or now
        if now - self._short_since < SHORT_FOR:
            return ""
        return f"only {signs.alive} of {self.workers} workers live, and nobody replaces the others"

    def _standstill(self, group: Group, signs: pulse.Pulse) -> str:
        now = time.time()
        due = self._is_due()
        if due is None:
            self._silent_looks = 0
        quiet = self._silent_looks * _LOOK_EVERY  # in looks: time that stood still is none
        if quiet >= SILENT_FOR and signs.busy < self.workers and self._has_lived(group):
            return f"no worker has shown itself for {quiet:.0f} s"
        if not due:
            self._due_since = None
            return ""
        self._due_since = self._due_since or now
        silent = now - max(self._due_since, self._newest)
        if not self._has_lived(group) and now - group.started < BOOT:
            return ""
        patience = WEDGED_AFTER
        if signs.busy >= self.workers:
            patience = 2 * limits().lease.total_seconds()
        if silent < patience:
            return ""
        return f"work was due for {silent:.1f} s, {signs.busy} of {self.workers} workers busy"

    def _signs(self) -> pulse.Pulse:
        signs = pulse.read(self._folder)
        # What a worker showed counts still when it is dead, and its file is gone.
        self._silent_looks = 0 if signs.newest > self._newest else self._silent_looks + 1
        self._newest = max(self._newest, signs.newest)
        return signs

    def _has_lived(self, group: Group) -> bool:
        """Return whether any worker of the cluster has been ready for work."""
        return self._newest >= group.started

    def _is_due(self) -> bool | None:
        """Return whether anything is due; None where the database does not say."""
        try:
            return is_due(now=clock.now())
        except DatabaseError as error:
            log.warning("database.away", process="supervisor", error=str(error))
            connection.close()
            return None

    def _restart(self, group: Group, problem: str) -> Group:
        log.error("cluster.restarting", cluster=self.cluster, problem=problem)
        if self._has_lived(group):
            # It was killed, and the next one will live as well, however often that happens.
            self._pause = 0.0
        elif group.has_ended:
            self._pause = min(max(1.0, self._pause * 2), _LONGEST_PAUSE)
        self._bury(group)
        self._wait(self._pause)
        self._restarts += 1
        return self._start()

    def _bury(self, group: Group) -> None:
        """Kill what is left of the group and, once it is known to be gone, free its claims."""
        gone = group.kill()
        pulse.clear(self._folder)
        if not gone:
            log.error("cluster.remains", cluster=self.cluster, group=group.main.pid)
            return
        try:
            taken_back = rescue_cluster(cluster=self.cluster, now=clock.now())
            taken_back += effects.rescue_cluster(cluster=self.cluster, now=clock.now())
        except DatabaseError as error:
            log.warning("database.away", process="supervisor", error=str(error))
            connection.close()
        else:
            log.info("cluster.buried", cluster=self.cluster, taken_back=taken_back)

    def _end(self, group: Group) -> bool:
        notify("STOPPING=1")
        pulse.drain(self._folder)
        group.drain()
        until = time.monotonic() + limits().drain.total_seconds()
        while not group.has_ended and time.monotonic() < until and not self._insisted:
            time.sleep(0.05)
        drained = group.has_ended
        self._bury(group)
        self._sign_roll(stopped=True)
        log.info("cluster.stopped", cluster=self.cluster, drained=drained)
        return drained

    @property
    def _insisted(self) -> bool:
        """Whether it was told to stop more than once."""
        return self._stopping > 1

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping:
            time.sleep(0.05)

    def _sign_roll(self, *, stopped: bool = False) -> None:
        if not stopped and time.monotonic() - self._rolled < _ROLL_EVERY:
            return
        self._rolled = time.monotonic()
        try:
            roll.sign(
                cluster=self.cluster,
                workers=self.workers,
                restarts=self._restarts,
                stopped=stopped,
                now=clock.now(),
            )
        except DatabaseError as error:
            log.warning("database.away", process="supervisor", error=str(error))
            connection.close()
