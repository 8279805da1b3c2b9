"""What the definition says about a ledger row: how to send it, and how its doubt is resolved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from workflow.definition import Channel, Effect, Recovery, Retry, Wait, registry
from workflow.definition.effect import Send
from workflow.models import EffectEntry, Phase


@dataclass(frozen=True, kw_only=True)
class Declared:
    """An effect, or its undo, in one shape."""

    send: Send
    recovery: Recovery
    channel: Channel
    retry: Retry
    timeout: timedelta
    heartbeat: timedelta | None
    wait: Wait | None


class Undeclared(LookupError):
    """This release does not have the effect of a ledger row that some other release planned."""


def declared(entry: EffectEntry) -> Declared:
    """Return the declaration that the row's envelope is pinned to.

    Raises:
        Undeclared: This release has no such version, transition or effect.
    """
    envelope = entry.envelope
    workflow = registry.find(envelope.workflow, envelope.definition_version)
    transition = None if workflow is None else workflow.by_name.get(envelope.transition)
    effects = () if transition is None else transition.effects
    for effect in effects:
        if effect.name == entry.name:
            return _of(effect, is_undo=entry.phase == Phase.UNDO)
    raise Undeclared(f"{envelope.workflow}/{envelope.definition_version} {entry.name}")


def _of(effect: Effect[Any], *, is_undo: bool) -> Declared:
    if is_undo and effect.undo is None:
        raise Undeclared(f"{effect.name} declares no undo any more")
    part = effect.undo if is_undo and effect.undo is not None else effect
    return Declared(
        send=part.send,
        recovery=part.recovery,
        channel=effect.channel,
        retry=effect.retry,
        timeout=effect.timeout,
        heartbeat=effect.heartbeat,
        wait=None if is_undo else effect.wait,
    )
