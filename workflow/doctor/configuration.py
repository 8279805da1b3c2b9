"""Settings against each other, and against what the design relies on."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from workflow import checks
from workflow.doctor.finding import Finding, Severity
from workflow.engine.limits import limits


def look() -> Iterator[Finding]:
    """Yield what does not fit; asks no database."""
    for found in (*checks.check_settings(), *checks.check_definitions()):
        yield Finding(
            code="settings",
            what=f"{found.msg} ({found.id})",
            repair=found.hint or "Change the setting, and restart web and workers.",
        )
    yield from _limits()
    yield from _queue()
    yield from _connections()


def _limits() -> Iterator[Finding]:
    bounds = limits()
    if bounds.send_window >= bounds.lease:
        yield Finding(
            code="send_window",
            what=f"A call may begin {bounds.send_window.total_seconds():g} s after its intent, but"
            f" a lease ends after {bounds.lease.total_seconds():g} s: a call could begin after it"
            " was taken over.",
            repair="Make SEND_WINDOW_SECONDS a fraction of LEASE_SECONDS (5 and 30 by default).",
        )
    if bounds.ask_first:
        yield Finding(
            code="ask_first",
            severity=Severity.NOTICE,
            what="ASK_FIRST is on: every call that can be looked up is looked up before it is"
            " first sent, and every one that cannot waits for a person.",
            repair="Take it away once callers have repeated what a restore lost.",
        )


def _queue() -> Iterator[Finding]:
    queue = getattr(settings, "Q_CLUSTER", {})
    if queue.get("save_limit", 0) >= 0:
        yield Finding(
            code="queue_results",
            severity=Severity.WARNING,
            what=f"Q_CLUSTER save_limit is {queue.get('save_limit', 0)}: a result row for each"
            " wake-up halves the throughput, and nobody reads it.",
            repair="Set it to -1.",
        )
    if queue.get("max_attempts", 0) != 1:
        yield Finding(
            code="queue_attempts",
            severity=Severity.WARNING,
            what=f"Q_CLUSTER max_attempts is {queue.get('max_attempts', 0)}: wake-ups are"
            " repeated, although the envelopes say themselves when they are due.",
            repair="Set it to 1.",
        )


def _connections() -> Iterator[Finding]:
    database = settings.DATABASES["default"]
    if database.get("OPTIONS", {}).get("pool") or getattr(
        settings, "DATABASE_CONNECTION_POOLING", False
    ):
        yield Finding(
            code="pool",
            what="A connection pool is configured, and workers fork: two of them would speak on"
            " one connection.",
            repair="Take `pool` out of the OPTIONS, and set DATABASE_CONNECTION_POOLING = False.",
        )
    if database.get("CONN_MAX_AGE", 0) == 0:
        yield Finding(
            code="connection_age",
            severity=Severity.WARNING,
            what="CONN_MAX_AGE is 0: each piece of work opens a connection, which costs more than"
            " the work.",
            repair="Set CONN_MAX_AGE to None and CONN_HEALTH_CHECKS to True.",
        )
