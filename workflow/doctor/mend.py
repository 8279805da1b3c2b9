"""Repairs that need nobody's decision: through the engine, under its locks, entered in the trail.

Each looks again, under lock, whether what was found still is so. None of them sends anything, ends
anything, or says that something happened: they wake what sleeps and show what is hidden, and the
engine goes on by its own rules.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from audit import chain
from workflow.doctor import trail
from workflow.doctor.finding import Mend
from workflow.effects import channels, follow
from workflow.effects import rescue as calls
from workflow.engine.announce import announce
from workflow.engine.hold import hold
from workflow.engine.rescue import rescue
from workflow.engine.trail import Action
from workflow.models import (
    Channel,
    EffectEntry,
    EffectState,
    Phase,
    State,
    TransitionEnvelope,
)

_TOGETHER = 200

Step = Callable[[Any, datetime], str]
"""Changes and saves one row that is held; returns what was done, in words."""


def each(*, rows: QuerySet[Any], step: Step) -> Mend:
    """Return the repair that takes one step with each of the rows, in batches."""

    def mend(*, by: str, now: datetime) -> int:
        done = 0
        while chosen := list(rows.all().values_list("pk", flat=True)[:_TOGETHER]):
            mended = _batch(rows, chosen, step, by, now)
            done += mended
            if not mended:
                break
        return done

    return mend


@transaction.atomic
def _batch(rows: QuerySet[Any], chosen: list[Any], step: Step, by: str, now: datetime) -> int:
    held = _held(rows, chosen)
    notes = []
    for row in held:
        envelope = row if isinstance(row, TransitionEnvelope) else row.envelope
        old = envelope.record.status
        did = step(row, now)
        notes.append(_note(row, envelope, status=old, did=did, by=by, now=now))
    chain.append(notes)
    transaction.on_commit(announce, robust=True)
    return len(held)


def _held(rows: QuerySet[Any], chosen: list[Any]) -> list[Any]:
    """Lock envelopes, records and then calls, in the engine's order; ask again what is so."""
    if rows.model is TransitionEnvelope:
        hold(TransitionEnvelope.objects.filter(pk__in=chosen))
        return list(rows.filter(pk__in=chosen).select_related("record").order_by("record_id"))
    owners = EffectEntry.objects.filter(pk__in=chosen).values_list("envelope", flat=True)
    envelopes: dict[UUID, TransitionEnvelope] = {
        each.pk: each for each in hold(TransitionEnvelope.objects.filter(pk__in=list(owners)))
    }
    held = list(rows.filter(pk__in=chosen).order_by("pk").select_for_update())
    for row in held:
        row.envelope = envelopes[row.envelope_id]
    return held


def _note(
    row: Any, envelope: TransitionEnvelope, *, status: str, did: str, by: str, now: datetime
) -> chain.Note:
    evidence = {"transition": envelope.transition, "message": did, "state": str(envelope.state)}
    if isinstance(row, EffectEntry):
        evidence |= {"effect": row.name, "key": row.key}
    return chain.Note(
        chain=envelope.record_id,
        at=now,
        action=Action.MENDED.value,
        actor=by,
        old=status,
        transition_id=envelope.pk,
        correlation_id=envelope.correlation_id,
        evidence=evidence,
    )


def wake(envelope: TransitionEnvelope, now: datetime) -> str:
    """Make an envelope due."""
    envelope.due_at = now
    envelope.save(update_fields=["due_at"])
    return "It was due at no time; it is due now."


def wake_call(entry: EffectEntry, now: datetime) -> str:
    """Make a call due; one that was being sent is then taken for possibly sent."""
    entry.due_at = now
    fields = ["due_at"]
    if entry.state == EffectState.SENDING and entry.claim is None:
        entry.claim = UUID(int=0)  # nobody's, so that it is ended as the claim of a dead worker
        fields.append("claim")
    entry.save(update_fields=fields)
    return "The call was due at no time; it is due now."


def decide_again(envelope: TransitionEnvelope, now: datetime) -> str:
    """Let a worker look at an envelope whose call is not under way."""
    envelope.state = State.UNDOING if envelope.closing_as else State.WAITING
    envelope.due_at = now
    envelope.save(update_fields=["state", "due_at"])
    return "It waited for a call that was not under way; it is looked at again."


def park(envelope: TransitionEnvelope, now: datetime) -> str:
    """Park an envelope whose call waits for a person, as that call's outcome should have."""
    entry = EffectEntry.objects.filter(
        envelope=envelope, phase=Phase.BEFORE, finished_at__isnull=True
    ).select_for_update()
    for each_one in entry:
        follow.follow(entry=each_one, envelope=envelope, now=now)
    envelope.save(update_fields=follow.CHANGED)
    return "Its call waits for a person; it is parked."


def take_over(*, by: str, now: datetime) -> int:
    """End the claims of workers that let their leases run out, as any worker does."""
    done = 0
    while ended := rescue(now=now) + calls.rescue(now=now):
        done += ended
    trail.enter(by=by, now=now, action="leases_ended", evidence={"claims": done})
    return done


def open_doors(*, rows: Callable[[datetime], QuerySet[Channel]]) -> Mend:
    """Return the repair that opens channels which nothing keeps closed."""

    def mend(*, by: str, now: datetime) -> int:
        with transaction.atomic():
            # In the order in which workers lock them.
            names = sorted(rows(now).values_list("pk", flat=True))
            for row in filter(None, map(channels.hold, names)):
                row.opens_at = None
                row.retry_at = None
                row.closed_by = ""
                row.save(update_fields=["opens_at", "retry_at", "closed_by"])
            trail.enter(by=by, now=now, action="doors_opened", evidence={"channels": names})
            transaction.on_commit(announce, robust=True)
        return len(names)

    return mend
