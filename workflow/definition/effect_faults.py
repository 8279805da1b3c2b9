"""What makes the declaration of an effect unsound."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from workflow.definition.channel import Channel
from workflow.definition.effect import Ask, Effect, Lookup, Resend, Undo, Wait
from workflow.definition.names import NAME

_ZERO = timedelta(0)


def effect_faults(effect: object) -> Iterator[str]:
    """Yield every fault, each a sentence that names the effect."""
    if not isinstance(effect, Effect):
        yield f"effect {effect!r} is no Effect(name=...)"
        return
    if not NAME.fullmatch(effect.name):
        yield f"effect {effect.name!r}: use lower case letters, digits and underscores"
    found = [
        *_function("request", effect.request),
        *_function("send", effect.send),
        *_recovery("recovery", effect.recovery),
        *_undo(effect.undo),
        *_durations(effect),
        *_wait(effect.wait),
        *effect.retry.faults(),
        *_channel(effect.channel),
    ]
    yield from (f"effect {effect.name!r}: {fault}" for fault in found)


def _function(name: str, value: object) -> Iterator[str]:
    if not callable(value):
        yield f"{name} {value!r} is not a function"


def _recovery(name: str, recovery: object) -> Iterator[str]:
    match recovery:
        case Lookup(settles_after=settles_after):
            yield from _function(f"{name}.ask", recovery.ask)
            if settles_after <= _ZERO:
                yield f"{name}: settles_after is {settles_after}; it must be positive"
        case Resend() | Ask():
            pass
        case _:
            yield (
                f"does not declare its {name}; say Resend(), Lookup(...) or Ask(), by what the"
                " downstream can do after a crash between call and receipt"
            )


def _undo(undo: object) -> Iterator[str]:
    match undo:
        case None:
            pass
        case Undo():
            yield from _function("undo.send", undo.send)
            yield from _recovery("undo.recovery", undo.recovery)
        case _:
            yield f"undo {undo!r} is no Undo(send=..., recovery=...)"


def _durations(effect: Effect[Any]) -> Iterator[str]:
    if effect.timeout <= _ZERO:
        yield f"timeout is {effect.timeout}; it must be positive"
    if effect.heartbeat is not None and not _ZERO < effect.heartbeat < effect.timeout:
        yield f"heartbeat is {effect.heartbeat}; between 0 and its timeout is needed"


def _wait(wait: Wait | None) -> Iterator[str]:
    if wait is None:
        return
    if wait.at_most <= _ZERO or wait.every <= _ZERO:
        yield f"wait: at_most is {wait.at_most}, every is {wait.every}; both must be positive"
    if wait.poll is None and wait.read is None:
        yield "wait has neither poll nor read, so that nothing could end it"


def _channel(channel: object) -> Iterator[str]:
    if not isinstance(channel, Channel):
        yield f"channel {channel!r} is no Channel(name=...)"
        return
    if not NAME.fullmatch(channel.name):
        yield f"channel {channel.name!r}: use lower case letters, digits and underscores"
    yield from channel.faults()
