"""Planning downstream calls: what is to be sent is fixed in the transaction that decides it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.canonical import canonical
from audit.loading import made
from audit.rows import create
from workflow.definition import Ask, Context, Effect, Lookup, Permanent, Recovery, Transition
from workflow.engine.limits import limits
from workflow.models import Doubt, EffectEntry, EffectState, Phase, TransitionEnvelope

RESTORED = "It may have been sent before the database was restored."


@dataclass(frozen=True, kw_only=True)
class Planned:
    """An effect and what it will send."""

    effect: Effect[Any]
    request: Mapping[str, Any]
    position: int

    def as_evidence(self) -> dict[str, str]:
        """Return a JSON object of what is planned, without what it holds."""
        text = canonical(self.request)
        return {
            "effect": self.effect.name,
            "channel": self.effect.channel.name,
            "request_sha256": hashlib.sha256(text.encode("ascii")).hexdigest(),
        }


def next_before(transition: Transition[Any, Any], context: Context[Any]) -> Planned | None:
    """Return the first before-effect that has no receipt yet; None when all are done.

    Call where guards are called: it runs the effects' `request`.

    Raises:
        Permanent: A request is no JSON object, or too large.
    """
    for position, effect in enumerate(transition.before):
        if effect.name not in context.receipts:
            planned = _plan(effect, context, position)
            if planned is not None:
                return planned
    return None


def every_after(transition: Transition[Any, Any], context: Context[Any]) -> tuple[Planned, ...]:
    """Return the after-effects that have something to send; call after `apply`.

    Raises:
        Permanent: A request is no JSON object, or too large.
    """
    found = (_plan(effect, context, position) for position, effect in enumerate(transition.after))
    return tuple(planned for planned in found if planned is not None)


def entry(
    *, envelope: TransitionEnvelope, phase: Phase, planned: Planned, now: datetime
) -> EffectEntry:
    """Return the unsaved ledger row of a planned effect."""
    return made(
        EffectEntry,
        envelope_id=envelope.transition_id,
        record_id=envelope.record_id,
        name=planned.effect.name,
        phase=phase,
        position=planned.position,
        channel=planned.effect.channel.name,
        recovery=doubt(planned.effect.recovery),
        priority=envelope.priority,
        request=dict(planned.request),
        planned_at=now,
        **beginning(planned.effect.recovery, now=now),
    )


def beginning(recovery: Recovery, *, now: datetime) -> dict[str, Any]:
    """Return how a planned row begins: due at once.

    While `ask_first` is on, its call may have been made before the database was restored, under
    the same key. Then a downstream that can be asked is asked first, as soon as what was sent
    before has settled, and where nobody can be asked a person looks before anything is sent.
    """
    if limits().ask_first:
        match recovery:
            case Lookup(settles_after=settles_after):
                return {
                    "state": EffectState.CHECKING,
                    "due_at": now + settles_after,
                    "is_doubtful": True,
                    "first_sent_at": now,
                }
            case Ask():
                return {
                    "state": EffectState.IN_DOUBT,
                    "due_at": None,
                    "is_doubtful": True,
                    "first_sent_at": now,
                    "code": "restored",
                    "message": RESTORED,
                }
    return {"state": EffectState.WAITING, "due_at": now}


def save(entries: Sequence[EffectEntry]) -> None:
    """Insert ledger rows, in their order: the order of keys is the order of delivery."""
    create(entries)


def doubt(recovery: Recovery) -> Doubt:
    """Return how a declared recovery is stored."""
    match recovery:
        case Lookup():
            return Doubt.LOOKUP
        case Ask():
            return Doubt.ASK
        case _:
            return Doubt.RESEND


def _plan(effect: Effect[Any], context: Context[Any], position: int) -> Planned | None:
    request = effect.request(context)
    if request is None:
        return None
    if not isinstance(request, Mapping):
        raise Permanent(
            f"Effect {effect.name!r}: request returned {request!r}; return a mapping, or None."
        )
    try:
        text = canonical(request)
    except (TypeError, ValueError, RecursionError) as error:
        raise Permanent(f"Effect {effect.name!r}: its request is no JSON: {error}") from None
    if len(text) > limits().payload_bytes:
        raise Permanent(
            f"Effect {effect.name!r}: its request has {len(text)} bytes;"
            f" at most {limits().payload_bytes} are kept."
        )
    return Planned(effect=effect, request=request, position=position)
