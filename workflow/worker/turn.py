"""What a woken worker does: take back what others dropped, then claim and work off batches."""

from __future__ import annotations

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
from workflow.engine.commit import work_off
from workflow.engine.limits import limits
from workflow.engine.rescue import hand_back, rescue
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
    tally: Counter[str] = Counter()
    size, duties_at = _LEAST, time.monotonic() + _DUTIES_EVERY
    while True:
        tally += calls.collect()
        if go_on():
            if time.monotonic() >= duties_at:
                _do_duties(clock())
                duties_at = time.monotonic() + _DUTIES_EVERY
            begun, size = _begin(worker, calls, clock, size)
            if not begun and is_due(now=clock()):
                _do_duties(clock())
                begun, size = _begin(worker, calls, clock, size)
            tally += begun
            if begun:
                continue
        if not calls.in_flight:
            return tally
        calls.wait(_LOOK_EVERY)


def _begin(
    worker: str, calls: courier.Courier, clock: Clock, size: int
) -> tuple[Counter[str], int]:
    """Take up what is due: first the effects of what was just decided, then decisions.

    Returns:
        What was begun, and how many envelopes to claim next. While much waits, batches grow, and
        share their statements among more; otherwise they are small, so that workers share the
        work.
    """
    begun = Counter({"calls": calls.take()})
    most = limits().batch
    batch = claim(worker=worker, now=clock(), limit=min(size, most))
    if batch is None:
        return +begun, _LEAST
    begun += _work_off(batch, clock)
    return +begun, min(2 * size, most) if len(batch.envelopes) >= size else _LEAST


def _do_duties(now: datetime) -> None:
    for duty in _DUTIES:
        try:
            duty(now=now)
        except IntegrityError as collision:
            # Somebody else changed the same records at the same moment; the next round sees it.
            log.info("duty.collided", duty=duty.__name__, error=str(collision))


def _work_off(batch: Claim, clock: Clock) -> Counter[str]:
    try:
        return work_off(claim=batch, clock=clock)
    except DatabaseError as error:
        log.warning("connection.lost", worker=batch.worker, error=str(error))
        connection.close()
        hand_back(claim=batch, now=clock())
        return Counter(interrupted=1)
