"""Calls to the world outside: declared here, with how their doubt is resolved.

A worker may die between a call and its receipt. Whether the call may then be repeated is a fact
about the downstream, so it is declared with the effect, and there is no default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar

from workflow.definition.call import Call
from workflow.definition.channel import Channel
from workflow.definition.context import Context
from workflow.definition.result import Found, Result
from workflow.definition.retry import Retry

S = TypeVar("S")

Send = Callable[[Call], Result]
"""Does the call. Runs in a thread, outside any transaction."""


@dataclass(frozen=True, kw_only=True)
class Resend:
    """The downstream honours our idempotency key: send again under the same key."""


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """The downstream can be asked "did you get KEY?"; adopt its answer, or send."""

    ask: Callable[[Call], Found]
    settles_after: timedelta
    """How long after a call was sent the downstream has finished it, or never will. Before that
    a "no" proves nothing: the call may still be on its way."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Neither: park in doubt until a person settles it with evidence and a reason."""


Recovery = Resend | Lookup | Ask


@dataclass(frozen=True, kw_only=True)
class Undo:
    """How to take back what an effect did, if its transition fails after it."""

    send: Send
    """Gets the original request and its receipt, under a key of its own."""

    recovery: Recovery


@dataclass(frozen=True, kw_only=True)
class Wait:
    """What follows when a downstream has accepted a call and not finished it."""

    at_most: timedelta
    """Past this a person looks."""

    poll: Send | None = None
    """Asks how it stands; must change nothing. None: only a call-back ends the wait."""

    every: timedelta = timedelta(seconds=10)
    read: Callable[[Mapping[str, Any]], Result] | None = None
    """Makes a result of a call-back's body; pure. None: no call-back is taken."""

    secrets: Callable[[], Sequence[str]] | None = None
    """Returns the secrets in force, the newest first, by one of which a call-back has to be signed
    (Standard Webhooks). Read them from the settings: a definition is no place for them. None:
    call-backs take an API key instead."""


@dataclass(frozen=True, kw_only=True)
class Effect(Generic[S]):
    """One downstream call of a transition."""

    name: str
    channel: Channel
    """The downstream, which carries limits, circuit breaker and pause switch."""

    request: Callable[[Context[S]], Mapping[str, Any] | None]
    """Returns what is to be sent, as JSON types. Pure like a guard: it is asked when the effect is
    planned, in the transaction of the decision, and the answer is kept; every attempt sends the
    same. None: there is nothing to send this time."""

    send: Send
    recovery: Recovery
    undo: Undo | None = None
    """Only for before-effects: after-effects follow what has happened for good."""

    retry: Retry = field(default_factory=Retry)
    """Attempts that certainly did not happen, or may be repeated. Waiting burns none."""

    timeout: timedelta = timedelta(seconds=10)
    """Longest time for one call; with a heartbeat, for the whole of a long one."""

    heartbeat: timedelta | None = None
    """A long call shows progress at least this often; silence makes it unknown at once."""

    wait: Wait | None = None
    """Declare it if `send` may answer Pending."""
