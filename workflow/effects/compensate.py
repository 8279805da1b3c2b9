"""Taking back, in reverse order, what was done downstream for a transition that will not fire.

An undo is an effect like any other: a ledger row with a key, a recovery and attempts of its own,
so whatever holds for effects holds for it. One is planned at a time, the last before-effect's
first; when it is done, the envelope is due again for the next. The unique key of its row makes it
happen at most once. One that fails stays, and the envelope with it, until a person has decided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from audit import chain
from workflow.definition import registry
from workflow.effects.follow import close
from workflow.engine import plan
from workflow.engine.boundary import Boundary, reach
from workflow.engine.correlation import facts_of
from workflow.engine.hold import hold
from workflow.engine.trail import Action, note
from workflow.models import EffectEntry, EffectState, Phase, State, TransitionEnvelope

log = structlog.get_logger(__name__)

_TOGETHER = 100
_CHANGED = ["state", "due_at", "finished_at", "closing_as", "code", "message"]


def compensate(*, now: datetime) -> int:
    """Bring envelopes that are being undone one step further; return how many were looked at.

    Any number of workers may call it at once.
    """
    undoing = TransitionEnvelope.objects.to_undo(now=now).runnable(registry.versions())
    chosen = list(undoing.order_by("due_at").values_list("pk", flat=True)[:_TOGETHER])
    if not chosen:
        return 0
    with transaction.atomic():
        held = hold(undoing.filter(pk__in=chosen), skip_locked=True)
        rows = _rows(held)
        planned: list[EffectEntry] = []
        notes = [_step(each, rows[each.pk], planned, now) for each in held]
        plan.save(planned)
        TransitionEnvelope.objects.bulk_update(held, _CHANGED, batch_size=200)
        chain.append([each for each in notes if each is not None])
        reach(Boundary.UNDO_WRITTEN)
    reach(Boundary.UNDO_COMMITTED)
    for envelope in held:
        log.info(
            "envelope.undoing",
            state=str(envelope.state),
            **facts_of(envelope),
        )
    return len(held)


def expire(*, now: datetime) -> int:
    """Let envelopes end whose deadline came while they waited for a before-effect."""
    overdue = TransitionEnvelope.objects.overdue(now=now).runnable(registry.versions())
    chosen = list(overdue.order_by("due_at").values_list("pk", flat=True)[:_TOGETHER])
    if not chosen:
        return 0
    with transaction.atomic():
        held = hold(overdue.filter(pk__in=chosen), skip_locked=True)
        for envelope in held:
            envelope.code = "deadline"
            envelope.message = "Its deadline came before its effects were done."
            end(envelope=envelope, as_=State.FAILED, now=now)
        TransitionEnvelope.objects.bulk_update(held, _CHANGED, batch_size=200)
        chain.append(
            [
                note(
                    envelope=each,
                    action=Action.FAILED,
                    now=now,
                    old=each.record.status,
                    evidence={"code": each.code, "message": each.message},
                )
                for each in held
            ]
        )
    return len(held)


def end(*, envelope: TransitionEnvelope, as_: State, now: datetime) -> None:
    """Let an envelope in the middle of its before-effects end: now, or at the next safe point.

    The safe point is now if the current effect has certainly not happened and nobody is calling.
    Otherwise its outcome is awaited; see `follow.stop_if_closing`. The envelope is not saved. Call
    while holding it and its record.
    """
    current = (
        EffectEntry.objects.filter(envelope=envelope, phase=Phase.BEFORE, finished_at__isnull=True)
        .select_for_update()
        .first()
    )
    if current is not None and (current.is_doubtful or current.claim is not None):
        envelope.closing_as = as_
        envelope.due_at = None
        return
    if current is not None:
        current.state = EffectState.ABANDONED
        current.due_at = None
        current.finished_at = now
        current.code = "closing"
        current.save(update_fields=["state", "due_at", "finished_at", "code"])
    close(envelope=envelope, as_=as_, now=now)


def not_undone(rows: Sequence[EffectEntry]) -> list[str]:
    """Return the before-effects that happened, or may have, and that nothing took back."""
    undone = {
        row.name for row in rows if row.phase == Phase.UNDO and row.state == EffectState.DONE
    }
    return [
        row.name
        for row in sorted(rows, key=lambda row: row.position)
        if row.phase == Phase.BEFORE
        and (row.state == EffectState.DONE or row.is_doubtful)
        and row.name not in undone
    ]


def _rows(held: Sequence[TransitionEnvelope]) -> dict[UUID, list[EffectEntry]]:
    rows: dict[UUID, list[EffectEntry]] = defaultdict(list)
    found = EffectEntry.objects.filter(envelope__in=held).exclude(phase=Phase.AFTER)
    for row in found.order_by("pk"):
        rows[row.envelope_id].append(row)
    return rows


def _step(
    envelope: TransitionEnvelope,
    rows: list[EffectEntry],
    planned: list[EffectEntry],
    now: datetime,
) -> chain.Note | None:
    if any(row.phase == Phase.UNDO and not row.is_final for row in rows):
        envelope.due_at = None  # its outcome makes the envelope due again
        return None
    undo = _next(envelope, rows, now)
    if undo is None:
        return _close(envelope, rows, now)
    planned.append(undo)
    envelope.due_at = None
    return note(
        envelope=envelope,
        action=Action.UNDOING,
        now=now,
        old=envelope.record.status,
        evidence={"effect": undo.name, "channel": undo.channel, "key": undo.key},
    )


def _next(
    envelope: TransitionEnvelope, rows: list[EffectEntry], now: datetime
) -> EffectEntry | None:
    """Return the unsaved undo of the last before-effect that is done and not undone."""
    workflow = registry.get(envelope.workflow, envelope.definition_version)
    undos = {each.name: each.undo for each in workflow.by_name[envelope.transition].before}
    begun = {row.name for row in rows if row.phase == Phase.UNDO}
    for row in sorted(rows, key=lambda row: -row.position):
        undo = undos.get(row.name)
        is_done = row.phase == Phase.BEFORE and row.state == EffectState.DONE
        if is_done and undo is not None and row.name not in begun:
            return EffectEntry(
                envelope_id=envelope.transition_id,
                record_id=envelope.record_id,
                name=row.name,
                phase=Phase.UNDO,
                position=row.position,
                channel=row.channel,
                recovery=plan.doubt(undo.recovery),
                priority=row.priority,
                request=row.request,
                undoes=row,
                planned_at=now,
                **plan.beginning(undo.recovery, now=now),
            )
    return None


_ACTIONS = {
    State.REFUSED: Action.REFUSED,
    State.CANCELLED: Action.CANCELLED,
    State.FAILED: Action.FAILED,
}


def _close(envelope: TransitionEnvelope, rows: list[EffectEntry], now: datetime) -> chain.Note:
    left = not_undone(rows)
    envelope.state = State(envelope.closing_as)
    envelope.closing_as = ""
    envelope.due_at = None
    envelope.finished_at = now
    if left:
        envelope.message = f"{envelope.message} Not undone: {', '.join(left)}.".strip()
    evidence: dict[str, Any] = {
        "code": envelope.code,
        "message": envelope.message,
        "undone": [
            row.name for row in rows if row.phase == Phase.UNDO and row.state == EffectState.DONE
        ],
        "not_undone": left,
    }
    return note(
        envelope=envelope,
        action=_ACTIONS[State(envelope.state)],
        now=now,
        old=envelope.record.status,
        evidence=evidence,
    )
