"""What a woken worker does: take back what others dropped, then claim and work off batches."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import structlog
from django.db import DatabaseError, IntegrityError, connection

from workflow.effects import compensate, courier
from workflow.effects import rescue as effects
from workflow.effects.claim import is_due
from workflow.engine.claim import Claim, claim
from workflow.engine.commit import Worked, work_off
from workflow.engine.limits import limits
from workflow.engine.rescue import give_back, hand_back, rescue
from workflow.engine.ripen import ripen

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

_DUTIES = (rescue, effects.rescue, ripen, compensate.expire, compensate.compensate)
"""What keeps things moving that no worker holds. Any number of workers may do them at once."""

_DUTIES_EVERY = 0.5
"""Seconds between two rounds of duties of a worker that has no time to spare for them."""

_LEAST = 25
"""Envelopes in a worker's first batch; each full one doubles the next, up to the setting."""

_LOOK_EVERY = 0.05
"""Seconds between two looks for other work, while calls are under way."""


def turn(
    *, worker: str, clock: Clock, go_on: Callable[[], bool], calls: courier.Courier | None = None
) -> Counter[str]:
    """Work until nothing is due and no call is under way; return the outcomes' counts.

    Once `go_on` says no, nothing new is begun, and calls that are under way are waited for. Any
    number of workers may do this at once, in any number of processes and hosts.

    Args:
        calls: The worker's calls, kept from one turn to the next; by default, those of this turn.

    Raises:
        DatabaseError: The database is away. Nothing is lost: what was claimed was handed back, or
            is due again when its lease ends.
    """
    calls = calls or courier.Courier(worker=worker, clock=clock)
    desk = _Desk(calls=calls, clock=clock)
    tally: Counter[str] = Counter()
    try:
        while True:
            tally += calls.collect()
            begun = desk.begin() if go_on() else desk.finish()
            tally += begun
            if begun:
                continue
            if not calls.in_flight:
                return tally
            calls.wait(_LOOK_EVERY)
    finally:
        desk.put_down()


class _Desk:
    """What a worker takes up in one turn: when it looks, and how much it takes."""

    def __init__(self, *, calls: courier.Courier, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock
        self._size = _LEAST
        self._has_more = True
        self._duties_at = time.monotonic() + _DUTIES_EVERY
        self._nothing_at = -math.inf
        self._claimed: Claim | None = None
        self._ahead: list[Claim] = []
        """What was claimed with a batch's outcomes. One is `_claimed`; of others it is not known
        whether they hold."""

    def begin(self) -> Counter[str]:
        """Take up what is due, and return what was begun."""
        if time.monotonic() >= self._duties_at:
            self._do_duties()
        if self._claimed is None and self._has_just_looked():
            return +Counter({"calls": self._calls.take()})
        begun = self._take_up() if self._claimed or self._has_more else Counter()
        if not begun and is_due(now=self._clock()):
            begun = self._take_up()
            if not begun:
                self._do_duties()
                begun = self._take_up()
        if not begun:
            self._nothing_at = time.monotonic()
        return begun

    def _has_just_looked(self) -> bool:
        """Return whether to look after the calls alone: nothing else was due a moment ago."""
        is_recent = time.monotonic() - self._nothing_at < _LOOK_EVERY
        return is_recent and self._calls.in_flight > 0

    def finish(self) -> Counter[str]:
        """Work off what is claimed, and begin nothing new."""
        batch, self._claimed = self._claimed, None
        self._ahead.clear()
        return Counter() if batch is None else _work_off(batch, self._clock).tally

    def put_down(self) -> None:
        """Give back what is claimed and was not begun, because something went wrong."""
        self._claimed = None
        for batch in self._ahead:
            if not self._gives_back(batch):
                log.warning("claim.kept", worker=batch.worker, envelopes=len(batch.envelopes))
        self._ahead.clear()

    def _gives_back(self, batch: Claim) -> bool:
        """Return whether it could; by a new connection, if the first is lost."""
        for _ in range(2):
            try:
                give_back(claim=batch, ids=batch.envelopes, now=self._clock())
            except DatabaseError:
                connection.close()
            else:
                return True
        return False

    def _take_up(self) -> Counter[str]:
        """Take up decisions, and then calls, those that follow from them among others."""
        batch = self._claimed or self._claim()
        self._claimed = None
        begun: Counter[str] = Counter()
        if batch is not None:
            self._ahead.clear()
            worked = _work_off(batch, self._clock, self._follow if self._has_more else None)
            begun += worked.tally
            if worked.following is None:
                self.put_down()
            self._claimed = worked.following
        begun["calls"] += self._calls.take()
        return +begun

    def _follow(self) -> Claim | None:
        batch = self._claim()
        if batch is not None:
            self._ahead.append(batch)
        return batch

    def _claim(self) -> Claim | None:
        """Claim a batch.

        While much waits, batches grow, and share their statements among more; otherwise they are
        small, so that workers share the work. A few urgent ones need not wait for a large batch to
        be done, but after them it is its turn.
        """
        size = min(self._size, limits().batch)
        few_first = not self._calls.had_few
        batch = claim(
            worker=self._calls.worker, now=self._clock(), limit=size, few_first=few_first
        )
        self._has_more = batch is not None and len(batch.envelopes) >= size
        self._calls.had_few = batch is not None and batch.is_few
        if not self._calls.had_few:
            self._size = 2 * size if self._has_more else _LEAST
        return batch

    def _do_duties(self) -> None:
        _do_duties(self._clock())
        self._duties_at = time.monotonic() + _DUTIES_EVERY


def _do_duties(now: datetime) -> None:
    for duty in _DUTIES:
        try:
            duty(now=now)
        except IntegrityError as collision:
            # Somebody else changed the same records at the same moment; the next round sees it.
            log.info("duty.collided", duty=duty.__name__, error=str(collision))


def _work_off(
    batch: Claim, clock: Clock, follow: Callable[[], Claim | None] | None = None
) -> Worked:
    try:
        return work_off(claim=batch, clock=clock, follow=follow)
    except DatabaseError as error:
        log.warning("connection.lost", worker=batch.worker, error=str(error))
        connection.close()
        hand_back(claim=batch, now=clock())
        return Worked(tally=Counter(interrupted=1))
