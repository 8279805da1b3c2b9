"""Working everything off in the test's own process: no broker, no workers, no sleeps."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from workflow.engine import clock
from workflow.worker.turn import turn

_NOW = timedelta(0)


def drain(*, ahead: timedelta = _NOW, worker: str = "drain/1") -> Counter[str]:
    """Do all that is due and return the outcomes' counts.

    Args:
        ahead: How far to put the clock forward, for what is due later: retries, timers.
        worker: Name under which it is done.
    """
    return turn(worker=worker, clock=lambda: clock.now() + ahead, go_on=lambda: True)
