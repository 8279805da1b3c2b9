"""Handing an envelope to its next before-effect; its outcome makes the envelope due again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.chain import Note
from audit.rows import Changes
from workflow.engine import plan
from workflow.engine.decide import CallFirst
from workflow.engine.settle import ATTEMPTS, attempt
from workflow.engine.trail import Action, note
from workflow.models import EffectEntry, Phase, State, TransitionEnvelope

_CHANGES = Changes(TransitionEnvelope, ("state", "due_at", "called", "code", "message"))


@dataclass(frozen=True, kw_only=True)
class Calling:
    """An envelope and the before-effect that its guards consent to."""

    envelope: TransitionEnvelope
    decision: CallFirst


def call_first(*, calling: Sequence[Calling], now: datetime) -> list[Note]:
    """Write the effects' ledger rows, let go of the envelopes, and return the entries to append.

    Call in the transaction in which they were decided, holding envelopes and records. An envelope
    that waits for its effect is nobody's: no lease runs, no worker is needed.
    """
    if not calling:
        return []
    planned = [
        plan.entry(
            envelope=each.envelope, phase=Phase.BEFORE, planned=each.decision.planned, now=now
        )
        for each in calling
    ]
    for each, entry in zip(calling, planned, strict=True):
        each.envelope.called += 1
        _wait(each.envelope, entry)
    _CHANGES.write([each.envelope for each in calling])
    ATTEMPTS.insert([attempt(each.envelope, each.decision, now) for each in calling])
    plan.save(planned)
    return [_note(each, now) for each in calling]


def _wait(envelope: TransitionEnvelope, entry: EffectEntry) -> None:
    """Wait for the call; or, where a person has to look before it is sent, for them."""
    if entry.is_stuck:
        envelope.state = State.PARKED
        envelope.due_at = None
        envelope.code = "effect_in_doubt"
        envelope.message = f"{entry.name} is in doubt: {entry.message}"
    else:
        envelope.state = State.CALLING
        envelope.due_at = envelope.deadline_at


def _note(each: Calling, now: datetime) -> Note:
    return note(
        envelope=each.envelope,
        action=Action.CALLING,
        now=now,
        old=each.envelope.record.status,
        evidence={
            **each.decision.planned.as_evidence(),
            "fence": each.envelope.fence,
            "findings": [finding.as_evidence() for finding in each.decision.findings],
        },
    )
