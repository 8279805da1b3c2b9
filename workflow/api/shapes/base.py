"""What all shapes share: the types of names, and the bases of bodies and pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from ninja import Field, Schema
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    StrictInt,
    StrictStr,
)

T = TypeVar("T")

Name = Annotated[StrictStr, Field(pattern=r"^[a-z0-9_]{1,64}$")]
"""Of a workflow, a transition, an effect, a channel."""

FullName = Annotated[StrictStr, Field(pattern=r"^[a-z0-9_]{1,64}(\.[a-z0-9_]{1,64})?$")]


def _without_nul(text: str) -> str:
    """Refuse what PostgreSQL cannot keep."""
    if "\x00" in text:
        raise ValueError("holds a NUL character")
    return text


Reason = Annotated[
    StrictStr, Field(min_length=1, max_length=10_000, pattern=r"\S"), AfterValidator(_without_nul)
]
"""Why; it goes into the trail."""

Text = Annotated[StrictStr, Field(max_length=10_000, pattern=r"^[^\x00]*$")]

Version = Annotated[StrictInt, Field(ge=0, lt=2**31)]

Limit = Annotated[int, Field(ge=1, le=200, description="Most items of one page.")]

Cursor = Annotated[
    str, Field(max_length=500, description="`next` of the page before; empty for the first.")
]


def _only_text(value: Any) -> Any:
    """Keep a number from passing as a time."""
    is_time = isinstance(value, datetime) or (isinstance(value, str) and value[4:5] == "-")
    if not is_time:
        raise ValueError("is no time; send RFC 3339, as in 2026-01-31T12:00:00Z")
    return value


def _in_calendar(value: datetime) -> datetime:
    """Return it in UTC, which the first and the last day of the calendar need not have."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside of the calendar once it is in UTC") from None


When = Annotated[AwareDatetime, BeforeValidator(_only_text), AfterValidator(_in_calendar)]
"""A time with its zone."""


class Body(Schema):
    """A body that is taken: a field that it does not know is an error, not a typo unnoticed."""

    model_config = ConfigDict(extra="forbid")


class Items(Schema, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class Links(Schema):
    """Where to read on; addresses on this host."""

    self: str
    record: str
    page: str = Field(description="The same for people, in the browser.")


class Standing(Schema):
    """How something stands, for people and for programs."""

    tone: str = Field(description="good, calm, busy, warn or bad.")
    sentence: str
    next_act: str
    cause: str | None = Field(description="Why it is not further; null once it is finished.")
    needs_person: bool
    next_at: datetime | None


def standing_of(verdict: Any) -> dict[str, Any]:
    """Return a verdict of `queries.verdict`."""
    stall = verdict.stall
    return {
        "tone": verdict.tone.value,
        "sentence": verdict.sentence,
        "next_act": verdict.next_act,
        "cause": None if stall is None else stall.cause.value,
        "needs_person": False if stall is None else stall.needs_person,
        "next_at": None if stall is None else stall.next_at,
    }
