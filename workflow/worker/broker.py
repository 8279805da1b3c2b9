"""The only module that knows django-q2.

The envelope table is the queue. To django-q2's question "what is next?" the broker answers with a
wake-up that exists in memory only: it carries no work, names no envelope, and may be lost or
doubled without harm. The woken worker claims for itself. At most one wake-up a worker is
outstanding, since django-q2's queue is that short (`queue_limit`).

Ordinary django-q2 tasks and schedules still go through its own table, if they are on the
allow-list: whoever can write to that table could otherwise run any function.
"""

from __future__ import annotations

import gc
import time
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.db.utils import InterfaceError, OperationalError
from django.dispatch import receiver
from django_q.brokers.orm import ORM
from django_q.cluster import Cluster
from django_q.signals import post_spawn, pre_enqueue
from django_q.signing import BadSignature, SignedPackage

from workflow.effects.claim import is_due
from workflow.engine import clock
from workflow.worker import leash, pulse
from workflow.worker.idle import Idle

log = structlog.get_logger(__name__)

_PACE = 0.01
"""Seconds between two wake-ups: time for the first to claim, before a second one is sent."""

_ORDINARY_EVERY = 1.0
"""Seconds between two looks at django-q2's own table."""

_COLLECT_AFTER = 10_000
"""New objects between two collections."""

_AWAY = 0.5
"""Seconds to wait before asking a database again that did not answer."""

_WAKE_UP = SignedPackage.dumps(
    {
        "id": "0" * 32,
        "name": "wake-up",
        "func": "workflow.worker.loop.run",
        "args": (),
        "kwargs": {},
        "timeout": -1,  # attempts have time limits of their own
        "ack_failure": True,
    }
)

Message = tuple[Any, str]


class EnvelopeBroker(ORM):  # type: ignore[misc]  # django-q2 has no type hints
    """Wakes workers while envelopes are due; passes allowed ordinary tasks on."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key=list_key)
        self._begin()

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self._begin()

    def _begin(self) -> None:
        self._idle = Idle()
        self._is_announced = False
        self._looked = 0.0
        self._woken = time.monotonic()

    def dequeue(self) -> list[Message] | None:
        """Return a wake-up or ordinary tasks; None after a short wait when there is nothing.

        A database that is away is waited for: an exception would end the pusher.
        """
        leash.follow()
        try:
            return self._next()
        except (OperationalError, InterfaceError) as error:
            log.warning("database.away", process="pusher", error=str(error))
            connection.close()
            time.sleep(_AWAY)
            return None

    def _next(self) -> list[Message] | None:
        if time.monotonic() - self._looked > _ORDINARY_EVERY:
            self._looked = time.monotonic()
            ordinary = self._ordinary()
            if ordinary:
                return ordinary
        # Whoever was woken just now claims first, and there may be nothing left to look for.
        time.sleep(max(0.0, self._woken + _PACE - time.monotonic()))
        if self._has_reason():
            self._is_announced = False
            self._woken = time.monotonic()
            return [(None, _WAKE_UP)]
        self._is_announced = self._idle.wait()
        return None

    def _has_reason(self) -> bool:
        """Return whether to wake a worker.

        Woken now and then without work, too: their silence would tell that they cannot be.
        """
        is_long_ago = time.monotonic() - self._woken > pulse.KNOCK_EVERY
        return self._is_announced or is_long_ago or is_due(now=clock.now())

    def _ordinary(self) -> list[Message]:
        if not self.queue_size():
            return []
        allowed = []
        for key, package in super().dequeue() or []:
            if _is_allowed(package):
                allowed.append((key, package))
            else:
                self.delete(key)
        return allowed

    def enqueue(self, task: str) -> int | None:
        """Store an ordinary task for later if it is on the allow-list; refuse it loudly if not."""
        if not _is_allowed(task):
            return None
        stored: int = super().enqueue(task)
        return stored


def _is_allowed(package: str) -> bool:
    """Return whether a message names a function of `settings.ESCAPEMENT["TASKS"]`, and no hook."""
    try:
        task = SignedPackage.loads(package)
    except BadSignature:
        log.error("task.refused", problem="bad signature")
        return False
    except Exception as error:  # noqa: BLE001  (a pickle of another release may raise anything)
        log.error("task.refused", problem="cannot be read", error=repr(error))
        return False
    if not isinstance(task, dict):
        log.error("task.refused", problem="no task")
        return False
    function = task.get("func")
    name = function if isinstance(function, str) else _dotted(function)
    if name in settings.ESCAPEMENT.get("TASKS", ()) and not task.get("hook"):
        return True
    log.error("task.refused", function=name, problem="not on the list ESCAPEMENT['TASKS']")
    return False


@receiver(pre_enqueue)
def _never_at_once(task: dict[str, Any], **_: Any) -> None:
    """Have every task come by the broker: one marked `sync` would be run unasked, where it is.

    That mark may stand in a row of django-q2's schedules, and the sentinel would run it.
    """
    task.pop("sync", None)


def _dotted(function: Any) -> str:
    module = getattr(function, "__module__", "")
    return f"{module}.{getattr(function, '__qualname__', repr(function))}"


def _ready(**_: Any) -> None:
    """Show that a worker waits for wake-ups: from now on, the supervisor need not be lenient."""
    leash.follow()
    _settle_down()
    pulse.beat(busy=False)


def _settle_down() -> None:
    """Have the collector of cycles leave alone what stays, and look less often at what goes.

    A batch makes thousands of rows that hold each other for moments; by default a fifth of a busy
    worker's time went into looking through them, and through all of Django, for cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def serve() -> None:
    """Run a cluster in this process until it is told to stop by SIGTERM, once."""
    post_spawn.connect(_ready)
    cluster = Cluster()
    cluster.start()
    if cluster.sentinel is not None:
        cluster.sentinel.join()
