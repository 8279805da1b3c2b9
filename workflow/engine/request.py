"""What one may ask for, and how its identity is fixed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AbstractUser
from django.utils.translation import gettext_noop

from audit.canonical import canonical, holds_nul, moment
from workflow.definition import SYSTEM, Actor, InvalidRequest
from workflow.engine.correlation import (
    SOUND_ID,
    current_id,
    current_traceparent,
    sound_traceparent,
)
from workflow.engine.limits import limits
from workflow.models import Origin, Priority, uuid7

_REASON_LENGTH = 10_000


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A person's signature of one request, not submitted yet. Made by `engine.sign` only."""

    signer: str
    """Primary key of the user as text."""

    printed_name: str
    meaning: str
    method: str
    """How they proved who they are."""

    at: datetime
    digest: str
    """Of the request that was signed."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One wish to move one record. The same wish sent again has the same transition id."""

    record: UUID
    transition: str
    transition_id: UUID = field(default_factory=uuid7)
    user: AbstractBaseUser | None
    """Who asks; None: the system itself, which needs no permission."""

    payload: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    origin: Origin = Origin.PYTHON
    correlation_id: str = field(default_factory=current_id)
    traceparent: str = field(default_factory=current_traceparent)
    """Trace context (W3C) of what asks; by default, of the request that is being served."""

    expected_version: int | None = None
    due_at: datetime | None = None
    """Not before this time; None: at once."""

    priority: Priority = Priority.NORMAL
    signed: Signed | None = None
    """The user's signature of all the rest; see `engine.sign`."""

    @cached_property
    def actor(self) -> Actor:
        """Who asks, as recorded."""
        return actor_of(self.user)

    def digest(self) -> str:
        """Return the SHA-256 of what is asked, by whom; not of how it came here."""
        return hashlib.sha256(self.body().encode("ascii")).hexdigest()

    def body(self) -> str:
        """Return what is asked, by whom, as canonical JSON."""
        return body(
            record=self.record,
            transition=self.transition,
            payload=self.payload,
            reason=self.reason,
            actor=self.actor,
            expected_version=self.expected_version,
            due_at=self.due_at,
        )


def body(
    *,
    record: UUID,
    transition: str,
    payload: Mapping[str, Any],
    reason: str,
    actor: Actor,
    expected_version: int | None = None,
    due_at: datetime | None = None,
) -> str:
    """Return what is asked, by whom, as canonical JSON: what the digest of a request is of."""
    return canonical(
        {
            "record": record.hex,
            "transition": transition,
            "payload": dict(payload),
            "reason": reason,
            "actor": actor.id,
            "expected_version": expected_version,
            "due_at": None if due_at is None else moment(due_at),
        }
    )


def actor_of(user: AbstractBaseUser | None) -> Actor:
    """Return how a user, or the system, is recorded."""
    if user is None:
        return SYSTEM
    name = user.get_full_name() if isinstance(user, AbstractUser) else ""
    return Actor(id=str(user.pk), label=(name or user.get_username())[:150])


def transition_id(value: object) -> UUID:
    """Return the id that a caller sent, in any of the usual spellings of a UUID.

    Raises:
        InvalidRequest: It is none.
    """
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        raise InvalidRequest(
            "transition id",
            value,
            gettext_noop("is no UUID; send 32 hexadecimal digits, new for each wish"),
        ) from None


def check(request: Request) -> None:
    """See that the request can be written down at all; what it asks is judged later.

    Raises:
        InvalidRequest: A part of it is of the wrong kind or size; nothing was written.
    """
    for name, value in (("transition id", request.transition_id), ("record", request.record)):
        if not isinstance(value, UUID):
            raise InvalidRequest(name, value, gettext_noop("is no UUID"))
    if request.user is not None and not request.user.is_authenticated:
        raise InvalidRequest("user", str(request.user), gettext_noop("is not signed in"))
    if not isinstance(request.reason, str) or len(request.reason) > _REASON_LENGTH:
        raise InvalidRequest(
            "reason",
            request.reason,
            gettext_noop("at most %(most)d characters"),
            facts={"most": _REASON_LENGTH},
        )
    if "\x00" in request.reason:
        raise InvalidRequest("reason", request.reason, gettext_noop("holds a NUL character"))
    _check_correlation(request)
    if request.due_at is not None and request.due_at.tzinfo is None:
        raise InvalidRequest("due_at", request.due_at, "has no time zone")
    _check_payload(request.payload)


def _check_correlation(request: Request) -> None:
    if request.correlation_id and not SOUND_ID.fullmatch(request.correlation_id):
        raise InvalidRequest(
            "correlation id", request.correlation_id, "1 to 64 visible ASCII characters"
        )
    if request.traceparent and sound_traceparent(request.traceparent) != request.traceparent:
        raise InvalidRequest(
            "traceparent", request.traceparent, "is no W3C trace context of version 00"
        )


def _check_payload(payload: object) -> None:
    if not isinstance(payload, Mapping):
        raise InvalidRequest("payload", payload, "is no JSON object")
    if not payload:
        return
    try:
        text = canonical(payload)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest("payload", payload, f"is no JSON object: {error}") from None
    if len(text) > limits().payload_bytes:
        raise InvalidRequest(
            "payload", text, f"{len(text)} bytes; at most {limits().payload_bytes} are accepted"
        )
    if holds_nul(text):
        raise InvalidRequest("payload", payload, gettext_noop("holds a NUL character"))
