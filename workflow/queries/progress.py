"""Whether work is actually being done, as opposed to processes being there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from workflow.definition import registry
from workflow.effects.claim import due_channels, known
from workflow.engine.claim import due
from workflow.models import EffectEntry, State, TransitionEnvelope
from workflow.queries.backlog import workers

PATIENCE = timedelta(seconds=30)
"""How long something may be due while nothing is begun. A killed worker's claims take as long as a
lease to be taken back; nothing else does."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What was found."""

    workers: int
    oldest_due: timedelta | None
    """Of transitions and calls that a worker could begin; None if there are none."""

    has_begun_lately: bool

    @property
    def problem(self) -> str:
        """Why work is not being done, in words; empty if it is."""
        if not self.workers:
            return "No cluster has signed lately: start `manage.py work`."
        if self.oldest_due is None or self.oldest_due <= PATIENCE or self.has_begun_lately:
            return ""
        return (
            f"Work has been due for {self.oldest_due.total_seconds():.0f} s, and none was begun"
            f" in the last {PATIENCE.total_seconds():.0f} s."
        )


def progress(*, now: datetime) -> Progress:
    """Return whether work is begun, in six statements."""
    since = now - PATIENCE
    late = [
        at
        for at in (
            due(versions=registry.fixed_versions(), now=now)
            .order_by("due_at")
            .values_list("due_at", flat=True)
            .first(),
            _oldest_call(now),
        )
        if at is not None
    ]
    return Progress(
        workers=workers(now=now).alive,
        oldest_due=now - min(late) if late else None,
        has_begun_lately=bool(late) and _has_begun(since),
    )


def _oldest_call(now: datetime) -> datetime | None:
    """Return since when a call is due on an open channel."""
    channels = due_channels(now=now)
    if not channels:
        return None
    ready = known(EffectEntry.objects.ready(now=now), registry.fixed_versions()).filter(
        channel__in=channels
    )
    return ready.order_by("due_at").values_list("due_at", flat=True).first()


def _has_begun(since: datetime) -> bool:
    envelopes = TransitionEnvelope.objects.filter(workflow__in=registry.versions())
    return (
        envelopes.in_flight().filter(state=State.RUNNING, claimed_at__gte=since).exists()
        or envelopes.filter(finished_at__gte=since, fence__gt=0).exists()
        or EffectEntry.objects.filter(finished_at__isnull=True, claimed_at__gte=since).exists()
    )
