"""Domain objects of adopted records, and the history of their fields.

The history has a row for each event, as firing writes one, with the fields as the event left them
and the event's own time: it answers "how did it stand then". That it was told by a source and when
that was recorded stands on the envelope, which the row names, and in the row's reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from simple_history.utils import get_history_manager_for_model

from audit.fields import Row, is_plain
from audit.rows import Changes, Rows
from workflow.backfill.judge import Step
from workflow.backfill.mapping import AnyMapping
from workflow.backfill.plan import Plan
from workflow.definition import registry
from workflow.models import Tracked

_REASON = "Reconstructed"


Snapshot = tuple[datetime, str, Any, str, UUID | None, tuple[Any, ...]]
"""Time, kind, user, reason, transition id, fields."""


@dataclass(kw_only=True)
class Snapshots:
    """A record's subject, and its fields as each event left them."""

    record: UUID
    subject: Tracked
    is_new: bool
    is_joined: bool = False
    """Whether a row that was here gets its record."""

    is_moved: bool = False
    """Whether its fields have changed."""

    rows: list[Snapshot]


class Subjects:
    """Knows the subjects' model and its history."""

    def __init__(self, *, mapping: AnyMapping) -> None:
        self._mapping = mapping
        self._model: type[Tracked] = registry.latest(mapping.workflow).subject
        history = get_history_manager_for_model(self._model).model
        self._key = self._model._meta.pk.attname
        self._fields = tuple(
            field.attname
            for field in history.tracked_fields
            if field.attname not in (self._key, "record_id")
        )
        self._columns = [
            field
            for field in self._model._meta.concrete_fields
            if not isinstance(field, models.AutoField)
        ]
        self._rows_of_subjects = Rows(self._model, [each.attname for each in self._columns])
        self._names = [
            field.name for field in history.tracked_fields if field.attname != self._key
        ]
        self._history = Rows(
            history,
            (
                "history_date",
                "history_type",
                "history_user_id",
                "history_change_reason",
                "transition_id",
                self._key,
                "record_id",
                *self._fields,
            ),
        )

    def snapshots(self, plans: Sequence[Plan]) -> list[Snapshots]:
        """Return what each event made of the subjects.

        Raises:
            Exception: Whatever the mapping raises.
        """
        new = [plan.case.reference for plan in plans if plan.present is None]
        existing = self._mapping.existing(new) if new else {}
        here = [plan.record for plan in plans if plan.present is not None]
        stored: dict[UUID | None, Tracked] = {}
        if here:
            rows = self._model._base_manager.filter(record__in=here).order_by("pk")
            stored = {subject.record_id: subject for subject in rows.select_for_update()}
        made = []
        for plan in plans:
            if plan.present is None:
                made.append(self._of_new(plan, existing.get(plan.case.reference)))
            elif plan.record in stored:
                made.append(self._of_present(plan, stored[plan.record]))
        return made

    def _of_new(self, plan: Plan, existing: Tracked | None) -> Snapshots:
        told = self._mapping.subject(plan.case)
        first = plan.past[0].placed.told.event.happened_at
        rows: list[Snapshot] = (
            [] if existing else [(first, "+", None, _REASON, None, self._values(told))]
        )
        rows += self._apply(told, plan.past)
        subject = told if existing is None else existing
        return Snapshots(
            record=plan.record,
            subject=subject,
            is_new=existing is None,
            is_joined=existing is not None,
            rows=rows,
        )

    def _of_present(self, plan: Plan, stored: Tracked) -> Snapshots:
        """The past is the source's account of the fields; moves change the ones that are here."""
        rows: list[Snapshot] = []
        if plan.past:
            rows += self._apply(self._mapping.subject(plan.case), plan.past)
        rows += self._apply(stored, plan.moves)
        return Snapshots(
            record=plan.record, subject=stored, is_new=False, is_moved=bool(plan.moves), rows=rows
        )

    def _apply(self, subject: Tracked, steps: Sequence[Step]) -> list[Snapshot]:
        rows: list[Snapshot] = []
        for step in steps:
            event = step.placed.told.event
            self._mapping.apply(subject, step.placed.told)
            reason = f"{_REASON}: {event.reason}" if event.reason else _REASON
            user = None if step.person.user is None else step.person.user.pk
            row = (event.happened_at, "~", user, reason, step.placed.id, self._values(subject))
            rows.append(row)
        return rows

    def _values(self, subject: Tracked) -> tuple[Any, ...]:
        values = subject.__dict__
        return tuple([values[name] for name in self._fields])

    def save(self, snapshots: Sequence[Snapshots]) -> None:
        """Save subjects and their histories. Call in the transaction that makes the records."""
        new = [each for each in snapshots if each.is_new]
        for each in snapshots:
            each.subject.record_id = each.record
        self._create([each.subject for each in new])
        self._update([each.subject for each in snapshots if each.is_joined], ["record"])
        moved = [each.subject for each in snapshots if each.is_moved]
        self._update(moved, [name for name in self._names if name != "record"])
        self._history.insert(self._rows(snapshots))

    def _update(self, subjects: list[Tracked], names: list[str]) -> None:
        if subjects and names:
            Changes(self._model, names).write(subjects)

    def _create(self, subjects: list[Tracked]) -> None:
        if is_plain(self._model):
            rows = [
                [field.pre_save(each, add=True) for field in self._columns] for each in subjects
            ]
            self._rows_of_subjects.insert(rows)
        else:
            self._model._base_manager.bulk_create(subjects, batch_size=500)
        records = [subject.record_id for subject in subjects]
        made = self._model._base_manager.filter(record__in=records)
        keys: dict[UUID | None, Any] = dict(made.values_list("record", "pk"))
        for subject in subjects:
            subject.pk = keys[subject.record_id]

    def _rows(self, snapshots: Sequence[Snapshots]) -> list[Row]:
        return [
            (at, kind, user, reason, transition, each.subject.pk, each.record, *values)
            for each in snapshots
            for at, kind, user, reason, transition, values in each.rows
        ]
