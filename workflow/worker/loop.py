"""The function that a wake-up runs in a worker process."""

from __future__ import annotations

import os
import time
from collections import Counter
from functools import cache

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from audit.planned import is_lost
from workflow.effects.courier import Courier
from workflow.engine import clock
from workflow.worker import pulse
from workflow.worker.turn import turn

log = structlog.get_logger(__name__)

_TURN_SECONDS = 5.0
"""A worker looks up from its work this often, so that a cluster can drain."""

CLUSTER = "ESCAPEMENT_CLUSTER"
"""Environment variable with the cluster's name, the prefix of its workers' names."""


@cache
def _calls() -> Courier:
    """Return this worker's calls, which outlive a turn that the database has cut short."""
    worker = f"{os.environ.get(CLUSTER, 'unsupervised')}/{os.getpid()}"
    return Courier(worker=worker, clock=clock.now)


def run() -> None:
    """Take one turn. Returns None: a message's result is nobody's business."""
    # django-q2 has Django ask before each task whether the database is there. The first statement
    # tells as well, and a round trip earlier.
    connection.health_check_done = True  # type: ignore[attr-defined]  # is not in its stubs
    try:
        tally = _turn()
    except (OperationalError, InterfaceError) as error:
        log.warning("database.away", error=str(error))
        connection.close()
    except DatabaseError as error:
        if not is_lost(error):
            raise
        # What it was about is as it was, and the next turn takes it up.
        log.info("statement.lost", error=str(error))
    else:
        if tally:
            log.info("turn.done", **dict(tally))
    finally:
        pulse.beat(busy=False)


def _turn() -> Counter[str]:
    calls = _calls()
    until = time.monotonic() + _TURN_SECONDS

    def go_on() -> bool:
        pulse.beat(busy=True)
        if pulse.is_draining():
            return False
        return time.monotonic() < until or calls.in_flight > 0

    structlog.contextvars.bind_contextvars(worker=calls.worker)
    return turn(worker=calls.worker, clock=clock.now, go_on=go_on, calls=calls)
