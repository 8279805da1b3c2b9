"""How the engine's acts read in the audit trail."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from audit.chain import Note
from workflow.definition import Finding, Refusal
from workflow.models import TransitionEnvelope


class Action(enum.StrEnum):
    """Everything that an entry on a record's chain can say."""

    STARTED = "started"
    REQUESTED = "requested"
    REPEATED = "repeated"
    CONFLICT = "conflict"
    REFUSED = "refused"
    CALLING = "calling"
    FIRED = "fired"
    RETRIED = "retried"
    INTERRUPTED = "interrupted"
    DIED = "died"
    PARKED = "parked"
    FAILED = "failed"
    LATE = "late"
    RESUMED = "resumed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    RECONSTRUCTED = "reconstructed"
    ADOPTED = "adopted"
    DENIED = "denied"
    REVEALED = "revealed"
    UNDOING = "undoing"
    EFFECT_DONE = "effect_done"
    EFFECT_PENDING = "effect_pending"
    EFFECT_RETRIED = "effect_retried"
    EFFECT_CHECKING = "effect_checking"
    EFFECT_ABSENT = "effect_absent"
    EFFECT_UNSENT = "effect_unsent"
    EFFECT_DECLINED = "effect_declined"
    EFFECT_IN_DOUBT = "effect_in_doubt"
    EFFECT_PARKED = "effect_parked"
    EFFECT_RESUMED = "effect_resumed"
    EFFECT_ABANDONED = "effect_abandoned"
    EFFECT_LATE = "effect_late"
    MENDED = "mended"
    """By `manage.py doctor --repair`: woken or parked, never ended."""

    REDACTED = "redacted"
    """Written by `audit.personal`, which knows it under the same name."""


BEGINS = (Action.STARTED, Action.RECONSTRUCTED)
"""Actions that can be the first of a record's chain."""

MOVES = (Action.STARTED, Action.ADOPTED, Action.FIRED)
"""Actions whose entry says, in `new`, where the record stands from then on. The verification
compares the last of them with the record: an action that moves records has to be listed. Where a
transition raised the record's version, the evidence tells the `version`."""

VERSION = '"version":'
"""How that reads in an entry's evidence."""


def note(
    *,
    envelope: TransitionEnvelope,
    action: Action,
    now: datetime,
    old: str = "",
    new: str = "",
    evidence: Mapping[str, Any] | None = None,
) -> Note:
    """Return an entry about an envelope, on its record's chain, in its requester's name."""
    return Note(
        chain=envelope.record_id,
        at=now,
        action=action.value,
        actor_id="" if envelope.actor_id is None else str(envelope.actor_id),
        actor=envelope.actor_label,
        reason=envelope.reason,
        old=old,
        new=new,
        transition_id=envelope.transition_id,
        correlation_id=envelope.correlation_id,
        evidence={"transition": envelope.transition, **(evidence or {})},
    )


def refusals_as_evidence(refusals: Sequence[Refusal]) -> list[dict[str, Any]]:
    """Return the engine's own refusals in the form in which guards' findings are stored."""
    return [Finding(guard=refusal.code, answer=refusal).as_evidence() for refusal in refusals]
