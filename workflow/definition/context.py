"""All that a guard or `apply` may look at. There is nothing else: they do no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from workflow.definition.actor import Actor

S = TypeVar("S")


@dataclass(frozen=True, kw_only=True)
class Context(Generic[S]):
    """The record as it stands, under lock, and the request to move it."""

    subject: S
    """The domain object; only `apply` may change its fields."""

    status: str
    """Value of the status that the record has now."""

    version: int
    """How many transitions the record has made."""

    target: str
    """Value of the status to which the transition leads."""

    actor: Actor
    """Who asked, fixed when the request was accepted."""

    payload: Mapping[str, Any]
    """What the transition's form let through; JSON types only."""

    reason: str
    now: datetime
    """Aware UTC time of the decision."""

    requested_at: datetime
    transition_id: UUID
    receipts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Receipts of the before-effects that are done so far, under their names."""
