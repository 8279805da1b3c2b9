"""What a woken worker does: take back what others dropped, then claim and work off batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import structlog
from django.db import DatabaseError, IntegrityError, connection

from workflow.engine.claim import Claim, claim
from workflow.engine.commit import work_off
from workflow.engine.rescue import hand_back, rescue
from workflow.engine.ripen import ripen

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]


def turn(*, worker: str, clock: Clock, go_on: Callable[[], bool]) -> Counter[str]:
    """Work until nothing is due or `go_on` says no; return the outcomes' counts.

    Any number of workers may do this at once, in any number of processes and hosts.

    Raises:
        DatabaseError: The database is away. Nothing is lost: what was claimed was handed back, or
            is due again when its lease ends.
    """
    tally: Counter[str] = Counter()
    while go_on():
        _keep_order(clock())
        batch = claim(worker=worker, now=clock())
        if batch is None:
            break
        tally += _work_off(batch, clock)
    return tally


def _keep_order(now: datetime) -> None:
    for duty in (rescue, ripen):
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
