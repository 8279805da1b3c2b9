"""Personal data of the past is kept beside the trail, as that of live requests is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from audit.models import PersonalValue
from audit.personal import always, conceal
from workflow.backfill.judge import Step


def concealed(steps: Sequence[Step], *, record: UUID, kept: list[PersonalValue]) -> Sequence[Step]:
    """Return the steps with digests for what the installation treats as personal.

    Envelope, entry and history row of an event then hold the same digest, and one redaction
    reaches all of them. The values are added to `kept`.
    """
    parts = always()
    if not parts.intersection(("actor", "reason")):
        return steps
    return [_concealed(step, record, parts, kept) for step in steps]


def _concealed(step: Step, record: UUID, parts: frozenset[str], kept: list[PersonalValue]) -> Step:
    def hide(value: str) -> str:
        if not value:
            return value
        token, row = conceal(chain=record, value=value)
        kept.append(row)
        return token

    person, placed = step.person, step.placed
    if "actor" in parts:
        actor = replace(person.actor, label=hide(person.actor.label))
        person = replace(person, actor=actor)
    if "reason" in parts:
        event = replace(placed.told.event, reason=hide(placed.told.event.reason))
        placed = placed._replace(told=placed.told._replace(event=event))
    return step._replace(person=person, placed=placed)
