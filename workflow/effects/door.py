"""A channel's door: how many calls it lets through now, and when to ask again.

One row for each channel is shared by all workers on all hosts. Whoever changes it holds its lock,
for the length of a short transaction and never during a call. A closed door keeps effects waiting
and burns none of their attempts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from workflow import definition
from workflow.models import Channel, Closed, Pause

NEVER = datetime(9000, 1, 1, tzinfo=UTC)
"""When a pause without an end ends."""


@dataclass(frozen=True, kw_only=True)
class Busy:
    """Calls of a channel that are under way, anywhere."""

    calls: int
    until: datetime | None
    """When the first of their leases ends; None if there are none."""


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """How many calls may be begun now; if none, why, and when it is worth asking again."""

    calls: int
    closed_by: Closed | None = None
    opens_at: datetime | None = None


def look(
    *,
    row: Channel,
    declared: definition.Channel,
    busy: Busy,
    pause: Pause | None,
    now: datetime,
) -> Allowance:
    """Return what the door lets through. Changes nothing."""
    if pause is not None:
        return Allowance(calls=0, closed_by=Closed.PAUSED, opens_at=pause.until or NEVER)
    if row.retry_at is not None:
        return _circuit(row.retry_at, busy, now)
    free = (row.concurrency or declared.concurrency) - busy.calls
    if free <= 0:
        return Allowance(calls=0, closed_by=Closed.BUSY, opens_at=busy.until)
    rate = row.rate or declared.rate
    return Allowance(calls=free) if rate is None else _pace(row, rate, free, now)


def _circuit(retry_at: datetime, busy: Busy, now: datetime) -> Allowance:
    """Let one probe through once the circuit has been open for long enough."""
    if retry_at > now:
        return Allowance(calls=0, closed_by=Closed.CIRCUIT, opens_at=retry_at)
    if busy.calls:
        return Allowance(calls=0, closed_by=Closed.PROBE, opens_at=busy.until)
    return Allowance(calls=1)


def _pace(row: Channel, rate: float, free: int, now: datetime) -> Allowance:
    left = tokens(row=row, rate=rate, now=now)
    if left < 1:
        wait = timedelta(seconds=(1 - left) / rate)
        return Allowance(calls=0, closed_by=Closed.RATE, opens_at=now + wait)
    return Allowance(calls=min(free, int(left)))


def tokens(*, row: Channel, rate: float, now: datetime) -> float:
    """Return how many calls the rate allows at this instant: at most those of one second."""
    most = max(1.0, rate)
    if row.tokens is None or row.tokens_at is None:
        return most
    passed = max(0.0, (now - row.tokens_at).total_seconds())
    return min(most, row.tokens + passed * rate)


def pass_through(*, row: Channel, declared: definition.Channel, calls: int, now: datetime) -> None:
    """Count calls that are begun. The row is not saved."""
    rate = row.rate or declared.rate
    if rate is not None:
        row.tokens = tokens(row=row, rate=rate, now=now) - calls
        row.tokens_at = now


def hear(
    *,
    row: Channel,
    declared: definition.Channel,
    faults: int,
    answers: int,
    problem: str,
    now: datetime,
) -> bool:
    """Take in how calls went; return whether the row changed. It is not saved.

    Args:
        faults: Calls that the downstream failed.
        answers: Calls that it answered, with whatever.
    """
    before = _standing(row)
    if answers:
        row.failures = row.openings = 0
        row.retry_at = None
    if faults:
        row.failures += faults
        row.last_failure = problem[:2000]
        row.last_failed_at = now
        is_open = row.retry_at is not None and row.retry_at > now
        if row.failures >= declared.breaker.failures and not is_open:
            row.openings += 1
            row.retry_at = now + declared.breaker.wait(openings=row.openings)
    if row.closed_by in (Closed.BUSY, Closed.PROBE, Closed.CIRCUIT, ""):
        # Somebody is back, so there is room; or the circuit says otherwise.
        is_open = row.retry_at is not None
        row.opens_at = row.retry_at
        row.closed_by = Closed.CIRCUIT if is_open else ""
    return _standing(row) != before


def _standing(row: Channel) -> tuple[object, ...]:
    return (row.failures, row.openings, row.retry_at, row.opens_at, row.closed_by)
