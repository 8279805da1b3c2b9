"""What needs a person, grouped by its cause: parked, failed, in doubt, not taken back, stalled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet

from workflow.models import (
    EFFECT_STUCK,
    Cause,
    EffectEntry,
    EffectState,
    Phase,
    State,
    TransitionEnvelope,
)
from workflow.queries import names

STALLED_AFTER = timedelta(minutes=2)
"""Due, or without a renewed lease, for so long: it counts as stalled."""

_FAILED_SINCE = timedelta(days=30)
_MOST = 200
_OF_EFFECTS = ("effect_in_doubt", "effect_failed")
"""Codes of envelopes that are parked because a call of theirs is: told as that call."""

NO_EFFECT = "-"
"""Stands for "the transition itself" in addresses."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """What stands still for the same cause."""

    workflow: str
    transition: str
    effect: str
    """Name of the downstream call; empty: the transition itself."""

    code: str
    state: str
    phase: str
    number: int
    first_at: datetime
    last_at: datetime
    example: str
    """The message of one of them."""

    cause: Cause | None
    """Owner and note, if anybody left any."""

    @property
    def label(self) -> str:
        """What failed."""
        transition = names.transition(self.workflow, self.transition)
        return f"{transition}: {names.call(self.effect)}" if self.effect else transition

    @property
    def effect_or_none(self) -> str:
        """The effect as addresses spell it."""
        return self.effect or NO_EFFECT

    @property
    def is_open(self) -> bool:
        """Whether a person can still do something about it."""
        return self.state != State.FAILED

    @property
    def is_doubt(self) -> bool:
        """Whether a call may have happened."""
        return bool(self.effect) and self.state == EffectState.IN_DOUBT

    @property
    def is_undo(self) -> bool:
        """Whether something that was done could not be taken back."""
        return self.phase == Phase.UNDO


def trouble(*, now: datetime) -> list[Group]:
    """Return all groups: what may have happened first, then by number; three statements.

    Parked envelopes and calls of any age, envelopes that failed for good within thirty days.
    """
    of_envelopes = (
        TransitionEnvelope.objects.filter(
            Q(state=State.PARKED) | Q(state=State.FAILED, finished_at__gte=now - _FAILED_SINCE)
        )
        .exclude(code__in=_OF_EFFECTS)
        .values("workflow", "transition", "code", "state")
        .annotate(
            number=Count("pk"),
            first_at=Min("requested_at"),
            last_at=Max("requested_at"),
            example=Max("message"),
        )
        .order_by("state", "-number")[:_MOST]
    )
    of_effects = (
        EffectEntry.objects.filter(finished_at__isnull=True, state__in=EFFECT_STUCK)
        .values("envelope__workflow", "envelope__transition", "name", "code", "state", "phase")
        .annotate(
            number=Count("pk"),
            first_at=Min("planned_at"),
            last_at=Max("planned_at"),
            example=Max("message"),
        )
        .order_by("state", "-number")[:_MOST]
    )
    causes = {
        (each.workflow, each.transition, each.effect, each.code): each
        for each in Cause.objects.select_related("owner")
    }
    groups = [_group(row, causes) for row in of_envelopes]
    groups += [
        _group(
            {
                **row,
                "workflow": row["envelope__workflow"],
                "transition": row["envelope__transition"],
            },
            causes,
        )
        for row in of_effects
    ]
    return sorted(groups, key=lambda group: (not group.is_open, not group.is_doubt, -group.number))


def of_cause(*, workflow: str, transition: str, code: str) -> QuerySet[TransitionEnvelope]:
    """Return the parked envelopes of one cause, the oldest first."""
    return TransitionEnvelope.objects.filter(
        state=State.PARKED, workflow=workflow, transition=transition, code=code
    ).order_by("requested_at", "pk")


def effects_of_cause(
    *, workflow: str, transition: str, effect: str, code: str
) -> QuerySet[EffectEntry]:
    """Return the calls of one cause that wait for a person, the oldest first."""
    return EffectEntry.objects.filter(
        finished_at__isnull=True,
        state__in=EFFECT_STUCK,
        name=effect,
        code=code,
        envelope__workflow=workflow,
        envelope__transition=transition,
    ).order_by("pk")


def stalled(*, now: datetime, at_most: int = 20) -> list[TransitionEnvelope]:
    """Return what is long overdue, the oldest first; one statement."""
    late = now - STALLED_AFTER
    return list(
        TransitionEnvelope.objects.filter(
            state__in=[
                State.WAITING,
                State.RUNNING,
                State.SCHEDULED,
                State.CALLING,
                State.UNDOING,
            ],
            due_at__lte=late,
        )
        .select_related("record")
        .order_by("due_at")[:at_most]
    )


def _group(row: Mapping[str, Any], causes: Mapping[tuple[str, str, str, str], Cause]) -> Group:
    effect = row.get("name", "")
    return Group(
        workflow=row["workflow"],
        transition=row["transition"],
        effect=effect,
        code=row["code"],
        state=row["state"],
        phase=row.get("phase", ""),
        number=row["number"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        example=row["example"] or "",
        cause=causes.get((row["workflow"], row["transition"], effect, row["code"])),
    )
