"""What becomes of an envelope that did not fire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.chain import Note
from audit.fields import Row
from audit.rows import Changes, Rows
from workflow.engine.backoff import next_try, policy
from workflow.engine.decide import CallFirst, Decision, Fail, Fire, Refuse
from workflow.engine.trail import Action, note
from workflow.models import Attempt, Ending, State, TransitionEnvelope

_CHANGES = Changes(
    TransitionEnvelope,
    (
        *("state", "due_at", "finished_at", "closing_as"),
        *("attempts", "crashes", "code", "message"),
    ),
)

ATTEMPTS = Rows(
    Attempt,
    (
        *("envelope_id", "fence", "worker", "started_at", "ended_at"),
        *("ending", "code", "message", "detail"),
    ),
)
"""Inserts what `attempt` makes."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """An envelope and how its attempt ended."""

    envelope: TransitionEnvelope
    decision: Refuse | Fail


def settle(*, ended: Sequence[Ended], now: datetime) -> list[Note]:
    """Write how the attempts ended and return the entries to append.

    Call in a transaction that holds the envelopes and their records, and append the entries in
    it. Two statements for any number of envelopes.
    """
    if not ended:
        return []
    notes = [_settle(each, now) for each in ended]
    _CHANGES.write([each.envelope for each in ended])
    ATTEMPTS.insert([attempt(each.envelope, each.decision, now) for each in ended])
    return notes


def attempt(envelope: TransitionEnvelope, decision: Decision, now: datetime) -> Row:
    """Return the row of the attempt that has just ended, for `ATTEMPTS`."""
    match decision:
        case Fire():
            how = (Ending.FIRED, "", "", "")
        case CallFirst(planned=planned):
            how = (Ending.CALLED, "", planned.effect.name, "")
        case Refuse(refusals=refusals):
            message = " ".join(refusal.message for refusal in refusals)
            how = (Ending.REFUSED, refusals[0].code, message, "")
        case Fail(ending=ending, code=code, message=message, detail=detail):
            how = (ending, code, message, detail)
    started_at = envelope.claimed_at or now
    return (envelope.transition_id, envelope.fence, envelope.worker, started_at, now, *how)


def _settle(each: Ended, now: datetime) -> Note:
    envelope = each.envelope
    envelope.attempts += 1
    match each.decision:
        case Refuse(findings=findings, refusals=refusals):
            _finish(envelope, State.REFUSED, now)
            envelope.code = refusals[0].code
            envelope.message = " ".join(refusal.message for refusal in refusals)
            return note(
                envelope=envelope,
                action=Action.REFUSED,
                now=now,
                old=envelope.record.status,
                evidence={
                    "fence": envelope.fence,
                    "findings": [finding.as_evidence() for finding in findings],
                },
            )
        case Fail() as fail:
            return _fail(envelope, fail, now)


def _fail(envelope: TransitionEnvelope, fail: Fail, now: datetime) -> Note:
    envelope.code = fail.code[:64]
    envelope.message = fail.message
    envelope.crashes += fail.ending == Ending.DIED
    action = _next_state(envelope, fail, now)
    evidence = {
        "ending": fail.ending.value,
        "code": fail.code,
        "message": fail.message,
        "worker": envelope.worker,
        "fence": envelope.fence,
        "attempts": envelope.attempts,
        "state": str(envelope.state),
        "due_at": "" if envelope.due_at is None else envelope.due_at.isoformat(),
    }
    return note(
        envelope=envelope, action=action, now=now, old=envelope.record.status, evidence=evidence
    )


def _next_state(envelope: TransitionEnvelope, fail: Fail, now: datetime) -> Action:
    if fail.ending == Ending.EXPIRED:
        _finish(envelope, State.FAILED, now)
        return Action.FAILED
    due_at = next_try(
        retry=policy(envelope),
        failures=envelope.attempts,
        now=now,
        at_least=fail.retry_after,
    )
    if fail.ending == Ending.PERMANENT or due_at is None:
        envelope.state = State.PARKED
        envelope.due_at = None
        return Action.PARKED
    envelope.state = State.WAITING
    envelope.due_at = due_at
    match fail.ending:
        case Ending.DIED:
            return Action.DIED
        case Ending.INTERRUPTED:
            return Action.INTERRUPTED
        case _:
            return Action.RETRIED


def _finish(envelope: TransitionEnvelope, state: State, now: datetime) -> None:
    """Bring it to its end; by way of undoing, where something was done downstream for it."""
    if envelope.called:
        envelope.state = State.UNDOING
        envelope.closing_as = state
        envelope.due_at = now
    else:
        envelope.state = state
        envelope.due_at = None
        envelope.finished_at = now
