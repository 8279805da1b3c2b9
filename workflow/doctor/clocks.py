"""Clocks: this host's against the database's, and what bears a time that has not come yet.

The database's clock rules (`engine.clock`), so a host that is wrong harms no lease. It harms logs,
certificates and whoever compares the two; and a clock that was set back keeps leases alive.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Max

from audit.models import Entry
from workflow.doctor.finding import Finding, Severity
from workflow.models import Cluster, EffectEntry, State, TransitionEnvelope

_APART = timedelta(seconds=1)
_AHEAD = timedelta(seconds=5)

_QUESTIONS = {"postgresql": "SELECT clock_timestamp()", "microsoft": "SELECT SYSUTCDATETIME()"}


def look(*, now: datetime) -> Iterator[Finding]:
    """Yield clocks that disagree; five statements."""
    apart = _host_ahead_by()
    if abs(apart) > _APART:
        which = "ahead of" if apart > timedelta(0) else "behind"
        yield Finding(
            code="host_clock",
            severity=Severity.WARNING,
            what=f"This host's clock is {abs(apart).total_seconds():.1f} s {which} the"
            " database's.",
            repair="Have both follow a time server (chrony, systemd-timesyncd).",
        )
    early = [f"{what}: {at.isoformat()}" for what, at in _latest() if at - now > _AHEAD]
    if early:
        yield Finding(
            code="clock_set_back",
            what="What was written bears a time that has not come yet: the database's clock was"
            " set back, and leases last longer by as much.",
            repair="Find out why it was set. What waits for these times goes on when they come;"
            " restart the workers, which measure the clock anew.",
            examples=tuple(early),
        )


def _host_ahead_by() -> timedelta:
    """Return how far this host's clock is ahead, less what the question itself took."""
    question = _QUESTIONS.get(connection.vendor)
    if question is None:
        return timedelta(0)  # SQLite has this host's
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(question)
        told = cursor.fetchone()[0]
    took = time.monotonic() - began
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    middle = datetime.now(UTC) - timedelta(seconds=took / 2)
    apart: timedelta = middle - told
    slack = timedelta(seconds=took / 2)
    return timedelta(0) if abs(apart) <= slack else apart


def _latest() -> Iterator[tuple[str, datetime]]:
    latest: tuple[tuple[str, datetime | None], ...] = (
        ("trail", Entry.objects.order_by("-pk").values_list("at", flat=True).first()),
        ("cluster", Cluster.objects.aggregate(at=Max("seen_at"))["at"]),
        (
            "claim",
            TransitionEnvelope.objects.filter(state=State.RUNNING, due_at__isnull=False).aggregate(
                at=Max("claimed_at")
            )["at"],
        ),
        (
            "call",
            EffectEntry.objects.filter(finished_at__isnull=True).aggregate(at=Max("claimed_at"))[
                "at"
            ],
        ),
    )
    yield from ((what, at) for what, at in latest if at is not None)
