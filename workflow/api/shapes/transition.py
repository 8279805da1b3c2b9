"""Requested transitions: what is asked, and how it fares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Schema
from pydantic import StrictBool, StrictInt, StrictStr

from workflow.api.shapes import addresses
from workflow.api.shapes.base import Body, Links, Name, Reason, Standing, Text, Version, When
from workflow.api.shapes.effect import EffectDetail, detail_of
from workflow.models import Attempt, TransitionEnvelope
from workflow.queries.effects import Told
from workflow.queries.values import HIDDEN, personal


class Signing(Body):
    """A person's signature: their password again, and what they say by it."""

    password: Annotated[
        StrictStr,
        Field(
            min_length=1,
            max_length=1000,
            json_schema_extra={"format": "password", "writeOnly": True},
        ),
    ]
    meaning: Text = Field(description="The transition's `signature`, word for word.")


class Wish(Body):
    """One transition of one record."""

    transition: Name
    payload: dict[str, Any] = Field({}, description="The fields of the transition's form.")
    reason: Text = ""
    expected_version: Version | None = Field(
        None, description="Only from this version of the record; the same as If-Match."
    )
    due_at: When | None = Field(None, description="Not before this time.")
    signature: Signing | None = Field(
        None, description="Where the transition has to be signed; only with a person's session."
    )


class BulkWish(Wish):
    """One transition among many."""

    id: UUID = Field(description="The transition's id: new for each wish, the same in a repeat.")
    record: UUID


class BulkWishes(Body):
    """Many transitions, each by itself: some may be refused while others go on."""

    requests: list[BulkWish] = Field(min_length=1, max_length=500)


class Act(Body):
    """Why somebody cancels, or sets going again."""

    reason: Reason
    fence: Annotated[StrictInt, Field(ge=0, lt=2**31)] | None = Field(
        None, description="Of the transition as you have seen it; a newer one is left alone."
    )


class Transition(Schema):
    """A requested transition: the envelope."""

    id: UUID
    record: UUID
    workflow: str
    definition_version: int
    transition: str
    target: str
    state: str
    is_final: StrictBool
    actor: str
    reason: str
    payload: dict[str, Any] = Field(description="Personal fields are hidden.")
    digest: str
    origin: str
    correlation_id: str
    trace_id: str
    expected_version: int | None
    requested_at: datetime
    due_at: datetime | None
    deadline_at: datetime | None
    fence: int
    worker: str
    attempts: int
    crashes: int
    code: str = Field(description="Stable code of the outcome.")
    message: str
    resulting_version: int | None
    finished_at: datetime | None
    links: Links


class AttemptShape(Schema):
    """One ended claim of a worker."""

    fence: int
    worker: str
    started_at: datetime
    ended_at: datetime
    ending: str
    code: str
    message: str


class TransitionDetail(Transition):
    """With its attempts and downstream calls, and how it stands."""

    standing: Standing
    attempt_list: list[AttemptShape]
    effects: list[EffectDetail]


class BulkAnswer(Schema):
    """What became of one request among many."""

    id: UUID
    status: int = Field(description="As if it had been sent alone.")
    code: str = Field(description="Of the problem; empty if there is none.")
    detail: str
    transition: str | None = Field(description="Its address.")


class BulkAnswers(Schema):
    """An answer for each request, in their order."""

    answers: list[BulkAnswer]


def transition_of(envelope: TransitionEnvelope) -> dict[str, Any]:
    """Return an envelope as `Transition`."""
    hidden = personal(envelope.workflow)
    return {
        "id": envelope.pk,
        "record": envelope.record_id,
        "actor": envelope.actor_label,
        "payload": {
            name: HIDDEN if name in hidden else value for name, value in envelope.payload.items()
        },
        "trace_id": envelope.traceparent[3:35],
        "links": {
            "self": addresses.of_transition(envelope.pk),
            "record": addresses.of_record(envelope.record_id),
            "page": addresses.transition_page(envelope.pk),
        },
        **{name: getattr(envelope, name) for name in _SAME},
    }


_SAME = (
    "workflow", "definition_version", "transition", "target", "state", "is_final", "reason",
    "digest", "origin", "correlation_id", "expected_version", "requested_at", "due_at",
    "deadline_at", "fence", "worker", "attempts", "crashes", "code", "message",
    "resulting_version", "finished_at",
)  # fmt: skip


def detailed(
    envelope: TransitionEnvelope,
    *,
    standing: dict[str, Any],
    attempts: Sequence[Attempt],
    effects: Sequence[Told],
) -> dict[str, Any]:
    """Return an envelope as `TransitionDetail`."""
    return {
        **transition_of(envelope),
        "standing": standing,
        "attempt_list": [attempt_of(each) for each in attempts],
        "effects": [detail_of(each) for each in effects],
    }


def attempt_of(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as it is sent."""
    names = ("fence", "worker", "started_at", "ended_at", "ending", "code", "message")
    return {name: getattr(attempt, name) for name in names}
