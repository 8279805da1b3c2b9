"""Calls to the world outside: declared here, with how their doubt is resolved.

A worker may die between a call and its receipt. Whether the call may then be repeated is a fact
about the downstream, so it is declared with the effect, and there is no default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from workflow.definition.context import Context

S = TypeVar("S")


@dataclass(frozen=True, kw_only=True)
class Resend:
    """The downstream honours our idempotency key: send again under the same key."""


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """The downstream can be asked "did you get KEY?"; adopt its answer, or send."""

    ask: Callable[[str], Any]
    settles_after: timedelta
    """By then the downstream has finished, or never will; an earlier "no" proves nothing."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Neither: park in doubt until a person settles it with evidence and a reason."""


Recovery = Resend | Lookup | Ask


@dataclass(frozen=True, kw_only=True)
class Effect(Generic[S]):
    """One downstream call of a transition."""

    name: str
    channel: str
    """Name of the downstream, which carries limits, circuit breaker and pause switch."""

    send: Callable[[Context[S], str], Any]
    """Takes the context and the idempotency key."""

    recovery: Recovery
    undo: Callable[[Context[S], str], Any] | None = None
