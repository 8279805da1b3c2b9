"""What an envelope does when one of its effects has come to something. No I/O."""

from __future__ import annotations

from datetime import datetime

from workflow.engine.trail import Action
from workflow.models import EffectEntry, EffectState, Phase, State, TransitionEnvelope

CHANGED = ["state", "due_at", "closing_as", "code", "message"]
"""Fields of an envelope that this module changes."""


def stop_if_closing(
    *, entry: EffectEntry, envelope: TransitionEnvelope, action: Action, now: datetime
) -> Action:
    """Give up on an effect that has certainly not happened, if its transition is to end.

    This is the safe point at which a cancelled transition stops.
    """
    certain = entry.state in (EffectState.WAITING, EffectState.PARKED) and not entry.is_doubtful
    if entry.phase != Phase.BEFORE or not envelope.closing_as or not certain:
        return action
    entry.state = EffectState.ABANDONED
    entry.due_at = None
    entry.finished_at = now
    entry.code = "closing"
    return Action.EFFECT_ABANDONED


def follow(*, entry: EffectEntry, envelope: TransitionEnvelope, now: datetime) -> bool:
    """Change the envelope as its effect's new state demands; return whether anything changed.

    The envelope is not saved. Call while holding both.
    """
    if entry.phase == Phase.UNDO:
        return _follow_undo(entry, envelope, now)
    if entry.phase == Phase.AFTER or envelope.state not in (State.CALLING, State.PARKED):
        return False
    if entry.is_final:
        _follow_end(entry, envelope, now)
        return True
    if entry.is_stuck:
        _park(entry, envelope)
        return True
    if envelope.state == State.PARKED:
        envelope.state = State.CALLING  # a person has set its effect going again
        envelope.due_at = envelope.deadline_at
        return True
    return False


def _follow_end(entry: EffectEntry, envelope: TransitionEnvelope, now: datetime) -> None:
    if entry.state == EffectState.DONE and not envelope.closing_as:
        envelope.state = State.WAITING
        envelope.due_at = now
        envelope.code = ""
        envelope.message = ""
    elif entry.state == EffectState.DECLINED:
        if not envelope.closing_as:
            envelope.code = entry.code or "declined"
            envelope.message = entry.message
        close(envelope=envelope, as_=State.REFUSED, now=now)
    else:
        close(envelope=envelope, as_=State.CANCELLED, now=now)


def close(*, envelope: TransitionEnvelope, as_: State, now: datetime) -> None:
    """Let the envelope end without firing, once its before-effects are undone.

    A way to end that was decided on earlier stands.
    """
    envelope.closing_as = envelope.closing_as or as_
    envelope.state = State.UNDOING
    envelope.due_at = now


def _park(entry: EffectEntry, envelope: TransitionEnvelope) -> None:
    envelope.state = State.PARKED
    envelope.due_at = None
    if entry.state == EffectState.IN_DOUBT:
        envelope.code = "effect_in_doubt"
        envelope.message = f"{entry.name} is in doubt: {entry.message}"
    else:
        envelope.code = "effect_failed"
        envelope.message = f"{entry.name} failed: {entry.message}"


def _follow_undo(entry: EffectEntry, envelope: TransitionEnvelope, now: datetime) -> bool:
    if envelope.state != State.UNDOING or not entry.is_final:
        return False
    envelope.due_at = now
    return True
