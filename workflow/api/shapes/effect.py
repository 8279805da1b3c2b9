"""Downstream calls."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Field, Schema
from pydantic import StrictInt

from workflow.api.shapes import addresses
from workflow.api.shapes.base import Body, Reason
from workflow.effects.mask import masked
from workflow.models import EffectAttempt, EffectEntry
from workflow.queries.effects import Told


class EffectTry(Schema):
    """One ended try of a call, or one act upon it."""

    fence: int
    kind: str
    outcome: str
    by: str = Field(description="The worker, or the person.")
    started_at: datetime
    ended_at: datetime
    code: str
    message: str


class Effect(Schema):
    """A downstream call: what is to be sent, and how it fares."""

    id: int
    key: str = Field(description="The idempotency key that the downstream gets.")
    transition: UUID
    record: UUID
    name: str
    phase: str
    channel: str
    recovery: str
    state: str
    is_doubtful: bool = Field(description="Whether a try may have happened unseen.")
    due_at: datetime | None
    fence: int = Field(description="Send it with a settlement: what you have seen.")
    attempts: int
    crashes: int
    request: Any = Field(description="As it is sent; secrets masked.")
    receipt: Any = Field(description="What the downstream gave for it; secrets masked.")
    code: str
    message: str
    planned_at: datetime
    first_sent_at: datetime | None
    waits_until: datetime | None
    finished_at: datetime | None
    link: str


class EffectDetail(Effect):
    """A call with its tries, and why it is not further."""

    tries: list[EffectTry]
    stall: str | None = Field(description="Why it is not further; null once it is finished.")
    next_act: str | None


class Settlement(Body):
    """What a person found out about a call, or decides."""

    verdict: Literal["happened", "did_not_happen", "retry", "give_up"]
    fence: Annotated[StrictInt, Field(ge=0, lt=2**31)] = Field(
        description="Of the call as you have seen it."
    )
    reason: Reason
    receipt: dict[str, Any] = Field({}, description="What proves it; with `happened` only.")


def effect_of(entry: EffectEntry) -> dict[str, Any]:
    """Return a call as `Effect`."""
    return {
        "id": entry.pk,
        "key": entry.key,
        "transition": entry.envelope_id,
        "record": entry.record_id,
        "request": masked(entry.request),
        "receipt": masked(entry.receipt),
        "link": addresses.of_effect(entry.pk),
        **{name: getattr(entry, name) for name in _SAME},
    }


_SAME = (
    "name", "phase", "channel", "recovery", "state", "is_doubtful", "due_at", "fence", "attempts",
    "crashes", "code", "message", "planned_at", "first_sent_at", "waits_until", "finished_at",
)  # fmt: skip


def detail_of(told: Told) -> dict[str, Any]:
    """Return a call as `EffectDetail`."""
    return {
        **effect_of(told.entry),
        "tries": [_try(each) for each in told.attempts],
        "stall": None if told.stall is None else told.stall.sentence,
        "next_act": None if told.stall is None else told.stall.next_act,
    }


def _try(attempt: EffectAttempt) -> dict[str, Any]:
    return {
        "by": attempt.worker,
        **{
            name: getattr(attempt, name)
            for name in (
                "fence", "kind", "outcome", "started_at", "ended_at", "code", "message",
            )
        },
    }  # fmt: skip
