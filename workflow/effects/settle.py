"""Writing what came of effects: rows, attempts, envelopes and trail, in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from audit import chain
from audit.canonical import canonical
from audit.loading import made
from audit.rows import Changes, create
from workflow.definition import SYSTEM, Actor
from workflow.effects import follow
from workflow.effects.answer import Answer
from workflow.effects.course import advance
from workflow.effects.declared import declared
from workflow.effects.mask import masked
from workflow.engine.trail import Action
from workflow.models import (
    EffectAttempt,
    EffectEntry,
    Kind,
    Outcome,
    TransitionEnvelope,
)

_ROWS = Changes(
    EffectEntry,
    (
        *("state", "due_at", "fence", "claim", "attempts", "checks", "crashes", "is_doubtful"),
        *("first_sent_at", "receipt", "code", "message", "waits_until", "finished_at"),
    ),
)
_ENVELOPES = Changes(TransitionEnvelope, follow.CHANGED)

OVERTAKEN = "overtaken"
"""Code of a claim that an answer from elsewhere ended."""

_OUTCOMES = {
    "Done": Outcome.DONE,
    "Pending": Outcome.PENDING,
    "Postponed": Outcome.POSTPONED,
    "Rejected": Outcome.REJECTED,
    "Declined": Outcome.DECLINED,
    "Unknown": Outcome.UNKNOWN,
    "Absent": Outcome.ABSENT,
    "Died": Outcome.DIED,
    "Unsent": Outcome.UNSENT,
    "Again": Outcome.RETRIED,
    "GivenUp": Outcome.ABANDONED,
}


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A ledger row and what came of it."""

    entry: EffectEntry
    answer: Answer


def settle(
    *, settled: Sequence[Settled], now: datetime, actor: Actor = SYSTEM, reason: str = ""
) -> None:
    """Write the answers, and what follows for the envelopes.

    Call in a transaction that holds the rows, their envelopes and their records, with `envelope`
    and `envelope.record` loaded. An answer that ends a claim belongs to the row's fence; any other
    (a call-back, a person) raises it, so that the worker that still has a claim comes late.

    Seven statements for any number of rows. An envelope's effects may come together: they are
    taken in their order.
    """
    attempts: list[EffectAttempt] = []
    notes: list[chain.Note] = []
    envelopes: dict[UUID, TransitionEnvelope] = {}
    for each in settled:
        entry = each.entry
        envelope = envelopes.setdefault(entry.envelope_id, entry.envelope)
        entry.envelope = envelope
        attempts += _attempts(each, now)
        action = advance(entry=entry, declared=declared(entry), answer=each.answer, now=now)
        action = follow.stop_if_closing(entry=entry, envelope=envelope, action=action, now=now)
        follow.follow(entry=entry, envelope=envelope, now=now)
        notes.append(_note(each, action, actor, reason, now))
    _ROWS.write([each.entry for each in settled])
    create(attempts)
    _ENVELOPES.write([each for each in envelopes.values() if not each.is_final])
    chain.append(notes)


def _attempts(each: Settled, now: datetime) -> list[EffectAttempt]:
    """Return the row of this answer, and before it that of a claim which it overtakes."""
    entry, answer = each.entry, each.answer
    rows = []
    if answer.kind in (Kind.CALL_BACK, Kind.PERSON):
        if entry.claim is not None:
            rows.append(
                EffectAttempt(
                    effect=entry,
                    fence=entry.fence,
                    kind=Kind.SEND,
                    worker=entry.worker,
                    started_at=entry.claimed_at or now,
                    ended_at=now,
                    outcome=Outcome.UNKNOWN,
                    code=OVERTAKEN,
                    message="An answer came from elsewhere while it was under way.",
                )
            )
        entry.fence += 1
    rows.append(
        made(
            EffectAttempt,
            effect_id=entry.pk,
            fence=entry.fence,
            kind=answer.kind,
            worker=answer.by[:150],
            started_at=answer.started_at,
            ended_at=answer.ended_at,
            outcome=_OUTCOMES[type(answer.what).__name__],
            code=getattr(answer.what, "code", "")[:64],
            message=getattr(answer.what, "reason", "")[:2000],
            answer=masked(getattr(answer.what, "receipt", {})),
            detail=answer.detail,
        )
    )
    return rows


def _note(each: Settled, action: Action, actor: Actor, reason: str, now: datetime) -> chain.Note:
    entry, answer, envelope = each.entry, each.answer, each.entry.envelope
    evidence: dict[str, Any] = {
        "transition": envelope.transition,
        "effect": entry.name,
        "phase": str(entry.phase),
        "key": entry.key,
        "channel": entry.channel,
        "fence": entry.fence,
        "attempts": entry.attempts,
        "kind": str(answer.kind),
        "outcome": str(_OUTCOMES[type(answer.what).__name__]),
        "by": answer.by,
        "code": entry.code,
        "message": entry.message,
        "state": str(entry.state),
        "envelope": str(envelope.state),
        **answer.evidence,
    }
    if entry.receipt:
        text = canonical(entry.receipt)
        evidence["receipt_sha256"] = hashlib.sha256(text.encode("ascii")).hexdigest()
    return chain.Note(
        chain=entry.record_id,
        at=now,
        action=action.value,
        actor_id=actor.id or "",
        actor=actor.label,
        reason=reason,
        old=envelope.record.status,
        transition_id=envelope.transition_id,
        correlation_id=envelope.correlation_id,
        evidence=evidence,
    )
