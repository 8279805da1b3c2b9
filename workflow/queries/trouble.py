"""What needs a person, grouped by its cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q, QuerySet

from workflow.models import Cause, State, TransitionEnvelope
from workflow.queries import names

STALLED_AFTER = timedelta(minutes=2)
"""Due, or without a renewed lease, for so long: it counts as stalled."""

_FAILED_SINCE = timedelta(days=30)
_MOST = 200


@dataclass(frozen=True, kw_only=True)
class Group:
    """Envelopes that stand still for the same cause."""

    workflow: str
    transition: str
    code: str
    state: str
    label: str
    """Of the transition."""

    number: int
    first_at: datetime
    last_at: datetime
    example: str
    """The message of one of them."""

    cause: Cause | None
    """Owner and note, if anybody left any."""

    @property
    def is_open(self) -> bool:
        """Whether a person can still do something about it."""
        return self.state != State.FAILED


def trouble(*, now: datetime) -> list[Group]:
    """Return all groups, the largest first; two statements.

    Parked envelopes of any age, those that failed for good within thirty days.
    """
    rows = list(
        _open(now)
        .values("workflow", "transition", "code", "state")
        .annotate(
            number=Count("pk"),
            first_at=Min("requested_at"),
            last_at=Max("requested_at"),
            example=Max("message"),
        )
        .order_by("state", "-number")[:_MOST]
    )
    causes = {(each.workflow, each.transition, each.code): each for each in Cause.objects.all()}
    groups = [
        Group(
            workflow=row["workflow"],
            transition=row["transition"],
            code=row["code"],
            state=row["state"],
            label=names.transition(row["workflow"], row["transition"]),
            number=row["number"],
            first_at=row["first_at"],
            last_at=row["last_at"],
            example=row["example"],
            cause=causes.get((row["workflow"], row["transition"], row["code"])),
        )
        for row in rows
    ]
    return sorted(groups, key=lambda group: (not group.is_open, -group.number))


def of_cause(*, workflow: str, transition: str, code: str) -> QuerySet[TransitionEnvelope]:
    """Return the parked envelopes of one cause, the oldest first."""
    return TransitionEnvelope.objects.filter(
        state=State.PARKED, workflow=workflow, transition=transition, code=code
    ).order_by("requested_at", "pk")


def stalled(*, now: datetime, at_most: int = 20) -> list[TransitionEnvelope]:
    """Return what is long overdue, the oldest first; one statement."""
    late = now - STALLED_AFTER
    return list(
        TransitionEnvelope.objects.filter(
            state__in=[State.WAITING, State.RUNNING, State.SCHEDULED], due_at__lte=late
        )
        .select_related("record")
        .order_by("due_at")[:at_most]
    )


def _open(now: datetime) -> QuerySet[TransitionEnvelope]:
    return TransitionEnvelope.objects.filter(
        Q(state=State.PARKED) | Q(state=State.FAILED, finished_at__gte=now - _FAILED_SINCE)
    )
