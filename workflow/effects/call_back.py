"""Taking a downstream's call-back: the end of an effect that was accepted and not finished.

A call-back may come before the answer to the call itself is recorded, or after its worker has
died: it is taken in any state in which the call may be under way, and raises the fence, so that
whoever still holds a claim on the row comes late. It names the key that was sent; who may send
call-backs is decided where they come in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from audit.canonical import canonical, holds_nul
from workflow.definition import Done, InvalidRequest, Pending, Unknown
from workflow.effects import line
from workflow.effects.answer import Answer
from workflow.effects.declared import declared
from workflow.effects.receipt import check_receipt
from workflow.effects.settle import Settled, settle
from workflow.engine.announce import announce
from workflow.engine.correlation import facts_of
from workflow.engine.hold import hold
from workflow.models import EffectEntry, EffectState, Kind, Phase, TransitionEnvelope

log = structlog.get_logger(__name__)

_OPEN = (
    EffectState.SENDING,
    EffectState.CHECKING,
    EffectState.PENDING,
    EffectState.IN_DOUBT,
)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The call-back ended the wait, or brought it further."""

    entry: EffectEntry


@dataclass(frozen=True, kw_only=True)
class TakenBefore:
    """The effect is done already, with the same receipt: nothing was written."""

    entry: EffectEntry


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Who has to sign the call-backs of a call."""

    channel: str
    secrets: Sequence[str]


def signer_of(*, key: str) -> Signer | None:
    """Return by what a call-back under this key is to be signed; None where it need not be.

    None, too, where no call was made under it. Locks nothing.
    """
    transition_id, _, name = key.partition(":")
    try:
        envelope = UUID(transition_id)
    except ValueError:
        return None
    entry = (
        EffectEntry.objects.filter(envelope=envelope, name=name)
        .exclude(phase=Phase.UNDO)
        .select_related("envelope")
        .first()
    )
    wait = None if entry is None else declared(entry).wait
    if entry is None or wait is None or wait.secrets is None:
        return None
    return Signer(channel=entry.channel, secrets=wait.secrets())


@transaction.atomic
def take_call_back(
    *, key: str, body: Mapping[str, Any], by: str, now: datetime
) -> Taken | TakenBefore:
    """Take in what a downstream reports about a call of ours. Safe to repeat.

    Raises:
        InvalidRequest: No effect has this key, it expects no call-back, or it is settled in
            another way; nothing was written.
    """
    entry = _find(key)
    about = declared(entry)
    if about.wait is None or about.wait.read is None:
        raise InvalidRequest("key", key, "its effect takes no call-back")
    _check_text(body)
    try:
        result = about.wait.read(body)
    except Exception as error:
        log.warning("call_back.unreadable", key=entry.key, error=type(error).__name__)
        raise InvalidRequest("body", dict(body), f"cannot be read: {error}") from error
    if isinstance(result, Unknown):
        raise InvalidRequest("body", dict(body), result.reason)
    if isinstance(result, Done | Pending):
        try:
            check_receipt(result.receipt)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequest(
                "body", dict(body), f"its receipt cannot be kept: {error}"
            ) from None
    if entry.state not in _OPEN and not (entry.is_doubtful and not entry.is_final):
        return _taken_before(entry, result)
    answer = Answer(kind=Kind.CALL_BACK, what=result, by=by, started_at=now, ended_at=now)
    settle(settled=[Settled(entry=entry, answer=answer)], now=now)
    line.bring_forward(done=[entry], now=now)
    transaction.on_commit(announce, robust=True)
    # The call-back has a correlation of its own; this line ties it to the request's.
    log.info("call_back.taken", key=key, state=str(entry.state), **facts_of(entry.envelope))
    return Taken(entry=entry)


def _check_text(body: Mapping[str, Any]) -> None:
    """See that whatever is made of the body, reasons included, can be written down."""
    try:
        is_odd = holds_nul(canonical(body))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest("body", dict(body), f"is no JSON object: {error}") from None
    if is_odd:
        raise InvalidRequest("body", dict(body), "holds a NUL character")


def _find(key: str) -> EffectEntry:
    transition_id, _, name = key.partition(":")
    try:
        envelope = UUID(transition_id)
    except ValueError:
        raise InvalidRequest("key", key, "is no key of ours; send it back as it was") from None
    held = hold(TransitionEnvelope.objects.filter(pk=envelope))
    entry = (
        EffectEntry.objects.filter(envelope=envelope, name=name)
        .exclude(phase=Phase.UNDO)
        .select_for_update()
        .first()
    )
    if not held or entry is None:
        raise InvalidRequest("key", key, "no call was made under it")
    entry.envelope = held[0]
    return entry


def _taken_before(entry: EffectEntry, result: object) -> TakenBefore:
    same = isinstance(result, Done) and dict(result.receipt) == entry.receipt
    if entry.state == EffectState.DONE and same:
        return TakenBefore(entry=entry)
    raise InvalidRequest(
        "key",
        entry.key,
        f"is {EffectState(entry.state).label.lower()} already; this call-back says something else"
        " or comes too late",
    )
