"""Work that stands still: nobody there, leases nobody takes up, and what nothing will wake.

Every unfinished row must be final one day by itself, or wait for a person who can see it. What is
neither due at a time, nor held, nor before a person is lost, and only looking finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from workflow.definition import registry
from workflow.doctor import mend
from workflow.doctor.finding import Finding, Severity, Some
from workflow.effects.claim import known
from workflow.engine.limits import limits
from workflow.models import (
    EFFECT_STUCK,
    IN_FLIGHT,
    Channel,
    Closed,
    EffectEntry,
    EffectState,
    Pause,
    Phase,
    Scope,
    State,
    TransitionEnvelope,
)
from workflow.queries.progress import progress

_FAR = timedelta(days=1)
"""No circuit stays open for so long by itself."""


def look(*, now: datetime) -> Iterator[Finding]:
    """Yield what stands still; sixteen statements, over what is unfinished."""
    yield from _progress(now)
    yield from _leases(now)
    yield from _asleep()
    yield from _waiting_for_calls()
    yield from _doors(now)
    yield from _for_people()


def _progress(now: datetime) -> Iterator[Finding]:
    found = progress(now=now)
    if not found.workers:
        late = found.oldest_due
        due = "nothing is due" if late is None else f"work is due for {late.total_seconds():.0f} s"
        yield Finding(
            code="no_worker",
            severity=Severity.WARNING if late is None else Severity.ERROR,
            what=f"No worker is alive, and {due}.",
            repair="Start `manage.py work` under a service manager.",
        )
    elif found.problem:
        yield Finding(
            code="work_not_begun",
            what=found.problem,
            repair="Look at the workers' log; restart them: what they hold is taken over.",
        )


def _leases(now: datetime) -> Iterator[Finding]:
    late = now - limits().lease
    envelopes = Some.of(TransitionEnvelope.objects.expired(now=late).order_by("due_at"))
    expired = known(EffectEntry.objects.expired(now=late), registry.fixed_versions())
    calls = Some.of(expired.order_by("due_at"))
    for some, what in ((envelopes, "transitions"), (calls, "downstream calls")):
        if some:
            yield Finding(
                code="leases_left",
                what=f"{some.number} {what} are held by workers that stopped renewing their"
                " leases, and nobody takes them over.",
                repair="Start workers, which do it at once.",
                examples=some.first,
                mend=mend.take_over,
            )


def undated() -> QuerySet[TransitionEnvelope]:
    """Return envelopes that nothing will ever wake, since they have no time for it."""
    under_way = EffectEntry.objects.filter(
        envelope=OuterRef("pk"), finished_at__isnull=True
    ).exclude(phase=Phase.AFTER)
    return TransitionEnvelope.objects.filter(
        Q(state__in=[State.WAITING, State.RUNNING]) | Q(state=State.UNDOING) & ~Exists(under_way),
        state__in=IN_FLIGHT,
        finished_at__isnull=True,
        due_at__isnull=True,
    )


def undated_calls() -> QuerySet[EffectEntry]:
    """Return calls that nothing will ever wake."""
    return EffectEntry.objects.filter(finished_at__isnull=True, due_at__isnull=True).exclude(
        state__in=EFFECT_STUCK
    )


def forsaken() -> QuerySet[TransitionEnvelope]:
    """Return envelopes that wait for a before-effect which is not under way."""
    under_way = EffectEntry.objects.filter(
        envelope=OuterRef("pk"), phase=Phase.BEFORE, finished_at__isnull=True
    )
    return TransitionEnvelope.objects.filter(
        ~Exists(under_way), state=State.CALLING, state__in=IN_FLIGHT, finished_at__isnull=True
    )


def hidden() -> QuerySet[TransitionEnvelope]:
    """Return envelopes that should be parked: the call they wait for waits for a person."""
    stuck = EffectEntry.objects.filter(
        envelope=OuterRef("pk"),
        phase=Phase.BEFORE,
        finished_at__isnull=True,
        state__in=EFFECT_STUCK,
    )
    return TransitionEnvelope.objects.filter(
        Exists(stuck), state=State.CALLING, state__in=IN_FLIGHT, finished_at__isnull=True
    )


def _asleep() -> Iterator[Finding]:
    kinds: tuple[tuple[QuerySet[Any], str, mend.Step], ...] = (
        (undated(), "transitions", mend.wake),
        (undated_calls(), "downstream calls", mend.wake_call),
    )
    for rows, what, step in kinds:
        some = Some.of(rows.order_by("pk"))
        if some:
            yield Finding(
                code="asleep",
                what=f"{some.number} {what} are unfinished, and nothing will ever wake them: they"
                " are due at no time.",
                repair="Make them due now; what was under way counts as the death of its worker.",
                examples=some.first,
                mend=mend.each(rows=rows, step=step),
            )


def _waiting_for_calls() -> Iterator[Finding]:
    some = Some.of(forsaken().order_by("pk"))
    if some:
        yield Finding(
            code="forsaken",
            what=f"{some.number} transitions wait for a downstream call that is not under way.",
            repair="Have them decided again; calls that are done are not repeated.",
            examples=some.first,
            mend=mend.each(rows=forsaken(), step=mend.decide_again),
        )
    some = Some.of(hidden().order_by("pk"))
    if some:
        yield Finding(
            code="hidden",
            what=f"{some.number} transitions wait for a call that waits for a person, and are not"
            " shown as parked.",
            repair="Park them.",
            examples=some.first,
            mend=mend.each(rows=hidden(), step=mend.park),
        )


def stuck_doors(*, now: datetime) -> QuerySet[Channel]:
    """Return channels that are closed although nothing keeps them closed."""
    pause = Pause.objects.in_force(now=now).filter(scope=Scope.CHANNEL, name=OuterRef("pk"))
    return Channel.objects.filter(
        Q(closed_by=Closed.PAUSED) & ~Exists(pause)
        | ~Q(closed_by=Closed.PAUSED) & Q(opens_at__gt=now + _FAR),
        opens_at__gt=now,
    )


def _doors(now: datetime) -> Iterator[Finding]:
    some = Some.of(stuck_doors(now=now).order_by("pk"))
    if some:
        yield Finding(
            code="door_stuck",
            what=f"{some.number} channels are closed although no pause and no open circuit keeps"
            " them closed.",
            repair="Open them; the next call finds out how the downstream is.",
            examples=some.first,
            mend=mend.open_doors(rows=lambda now: stuck_doors(now=now)),
        )


def _for_people() -> Iterator[Finding]:
    parked = Some.of(
        TransitionEnvelope.objects.filter(
            state=State.PARKED, state__in=IN_FLIGHT, finished_at__isnull=True
        ).order_by("requested_at")
    )
    stuck = EffectEntry.objects.filter(finished_at__isnull=True)
    doubts = Some.of(stuck.filter(state=EffectState.IN_DOUBT).order_by("pk"))
    failed = Some.of(stuck.filter(state=EffectState.PARKED).order_by("pk"))
    found = [
        f"{some.number} {what}"
        for some, what in (
            (doubts, "calls in doubt"),
            (failed, "calls that failed"),
            (parked, "parked transitions"),
        )
        if some
    ]
    if found:
        yield Finding(
            code="people",
            severity=Severity.NOTICE,
            what=f"These wait for a person: {', '.join(found)}.",
            repair="Settle them on the page /admin/attention/, which groups them by cause.",
        )
