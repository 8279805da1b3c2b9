"""Moving records: status, fields, history and timers of a whole batch, in set-based statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from django.db.models import F, OuterRef, Subquery
from django.db.models.sql import Query
from simple_history.utils import get_history_manager_for_model

from audit.chain import Note
from audit.compiled import Compiled, change_of
from audit.fields import Row, values_of
from audit.rows import Changes, Ready, Rows, create
from workflow.definition import WorkflowError, registry
from workflow.engine import plan, timers
from workflow.engine.decide import Fire
from workflow.engine.settle import ATTEMPTS, attempt
from workflow.engine.trail import Action, note
from workflow.models import (
    EffectEntry,
    Phase,
    Record,
    State,
    Tracked,
    TransitionEnvelope,
)
from workflow.models.snapshot import snapshot, snapshot_digest


class Moved(WorkflowError):
    """A row that was locked had changed all the same; the batch was rolled back."""

    code = "moved"


@dataclass(frozen=True, kw_only=True)
class Fired:
    """An envelope whose guards consent, and its subject with the new field values."""

    envelope: TransitionEnvelope
    subject: Tracked
    decision: Fire


@dataclass(frozen=True, kw_only=True)
class Firing:
    """Everything that a batch's transitions write, worked out before anything is."""

    fired: Sequence[Fired]
    now: datetime
    history: Mapping[type[Tracked], Ready]
    attempts: Ready
    effects: Sequence[EffectEntry]
    notes: Sequence[Note]
    """The entries to append."""

    def write(self, token: UUID) -> list[Note]:
        """Carry it out; return what else is to be appended, after `notes`.

        Call in the transaction that holds envelopes, records and subjects as they were decided
        on, and append the entries in it. The number of statements does not depend on the number
        of envelopes, only on how many different targets, models and changed fields there are.

        Raises:
            Moved: A compare-and-set missed; roll back.
        """
        if not self.fired:
            return []
        _close_envelopes(self.fired, token, self.now)
        _move_records(self.fired, token, self.now)
        _save_fields(self.fired)
        for model, rows in self.history.items():
            into, _ = _history(model)
            into.insert(rows)
        ATTEMPTS.insert(self.attempts)
        plan.save(self.effects)
        return _turn_timers(self.fired, self.now)


def firing(fired: Sequence[Fired], *, now: datetime) -> Firing:
    """Return what these transitions write. No I/O."""
    return Firing(
        fired=fired,
        now=now,
        history=_history_rows(fired, now),
        attempts=ATTEMPTS.ready([attempt(each.envelope, each.decision, now) for each in fired]),
        effects=[
            plan.entry(envelope=each.envelope, phase=Phase.AFTER, planned=planned, now=now)
            for each in fired
            for planned in each.decision.effects
        ],
        notes=[_note(each, now) for each in fired],
    )


def _close_envelopes(fired: Sequence[Fired], token: UUID, now: datetime) -> None:
    closed = _CLOSE.change(ids=[each.envelope.pk for each in fired], token=token, now=now)
    if closed != len(fired):
        raise Moved(f"{len(fired)} envelopes were to fire, {closed} were still held.")


def _close(*, ids: list[UUID], token: UUID, now: datetime) -> Query:
    version = Record.objects.filter(pk=OuterRef("record_id")).values("version")[:1]
    return change_of(
        TransitionEnvelope.objects.filter(pk__in=ids, claim=token, state=State.RUNNING),
        state=State.FIRED,
        due_at=None,
        finished_at=now,
        attempts=F("attempts") + 1,
        code="",
        message="",
        resulting_version=Subquery(version) + 1,
    )


_CLOSE = Compiled(_close)


def _move_records(fired: Sequence[Fired], token: UUID, now: datetime) -> None:
    steps: dict[tuple[str, str], list[UUID]] = defaultdict(list)
    for each in fired:
        steps[each.envelope.record.status, each.envelope.target].append(each.envelope.record_id)
    for (old, target), records in steps.items():
        moved = _MOVE.change(old, target, records=records, token=token, now=now)
        if moved != len(records):
            raise Moved(f"{len(records)} records were to leave {old!r}, {moved} were there.")


def _move(old: str, target: str, *, records: list[UUID], token: UUID, now: datetime) -> Query:
    fired = TransitionEnvelope.objects.filter(claim=token, state=State.FIRED)
    # By its version it is one step into an index, however long the record's history is.
    cause = fired.filter(record=OuterRef("pk"), resulting_version=OuterRef("version") + 1)
    return change_of(
        Record.objects.filter(pk__in=records, status=old),
        status=target,
        version=F("version") + 1,
        last_transition=Subquery(cause.values("pk")[:1]),
        status_since=now,
    )


_MOVE = Compiled(_move)


def _save_fields(fired: Sequence[Fired]) -> None:
    changes: dict[tuple[type[Tracked], tuple[str, ...]], list[Tracked]] = defaultdict(list)
    for each in fired:
        if each.decision.changed:
            changes[type(each.subject), each.decision.changed].append(each.subject)
    for (model, names), subjects in changes.items():
        _changes(model, names).write(subjects)


@cache
def _changes(model: type[Tracked], names: tuple[str, ...]) -> Changes:
    return Changes(model, names)


def _history_rows(fired: Sequence[Fired], now: datetime) -> dict[type[Tracked], Ready]:
    """Return the rows that a bulk update would otherwise skip, each with its transition id."""
    rows: dict[type[Tracked], list[Row]] = defaultdict(list)
    for each in fired:
        model = type(each.subject)
        _, fields = _history(model)
        rows[model].append(
            (
                now,
                "~",
                each.envelope.actor_id,
                each.envelope.reason or None,
                each.envelope.transition_id,
                *fields(each.subject),
            )
        )
    return {model: _history(model)[0].ready(some) for model, some in rows.items()}


@cache
def _history(model: type[Tracked]) -> tuple[Rows, Callable[[Tracked], Row]]:
    """Return what inserts history rows of a model, and what takes a subject's fields for them."""
    history = get_history_manager_for_model(model).model
    names = [field.attname for field in history.tracked_fields]
    about = ("history_date", "history_type", "history_user_id", "history_change_reason")
    return Rows(history, (*about, "transition_id", *names)), values_of(names)


def _turn_timers(fired: Sequence[Fired], now: datetime) -> list[Note]:
    names = {name for name in {each.envelope.workflow for each in fired} if _has_timers(name)}
    timed = [each for each in fired if each.envelope.workflow in names]
    if not timed:
        return []
    notes = timers.stop(records=[each.envelope.record_id for each in timed], now=now)
    entered = [
        timer
        for each in timed
        for timer in timers.timers(
            workflow=registry.latest(each.envelope.workflow),
            record=each.envelope.record_id,
            status=each.envelope.target,
            version=each.envelope.record.version + 1,
            entered_by=each.envelope.transition_id,
            now=now,
        )
    ]
    create(entered)
    return notes


def _has_timers(name: str) -> bool:
    """Return whether any version of a workflow has."""
    return any(
        transition.automatic_after is not None
        for workflow in registry.everything()
        if workflow.name == name
        for transition in workflow.transitions
    )


def _note(each: Fired, now: datetime) -> Note:
    evidence = {
        "version": each.envelope.record.version + 1,
        "fence": each.envelope.fence,
        "worker": each.envelope.worker,
        "findings": [finding.as_evidence() for finding in each.decision.findings],
        "fields": sorted(each.decision.changed),
        "effects": [planned.as_evidence() for planned in each.decision.effects],
        "snapshot": snapshot_digest(snapshot(row=each.subject, model=type(each.subject))),
    }
    return note(
        envelope=each.envelope,
        action=Action.FIRED,
        now=now,
        old=each.envelope.record.status,
        new=each.envelope.target,
        evidence=evidence,
    )
