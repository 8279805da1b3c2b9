"""What changed in a record's fields, from django-simple-history's rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from simple_history.utils import get_history_manager_for_model

from workflow.models import Tracked
from workflow.queries.values import (
    HIDDEN,
    Change,
    label_of,
    names_of,
    points_to_person,
    shown_fields,
    text_of,
)

_ROWS = 400


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One history row: who changed which fields, and in which transition."""

    at: datetime
    actor: str
    reason: str
    transition_id: UUID | None
    changes: list[Change]
    row: int
    """Key of the history row."""

    is_first: bool
    """Whether it is the row of the object's creation, or the oldest that was read."""


def changes_of(
    subject: Tracked, *, hidden: Collection[str] = (), since: datetime | None = None
) -> list[Correction]:
    """Return the changes, the oldest first; two statements.

    Args:
        hidden: Names of fields whose values are not shown.
        since: Leave out what is older.
    """
    history: Any = get_history_manager_for_model(type(subject)).model
    rows = history.objects.filter(**{type(subject)._meta.pk.name: subject.pk})
    newest = list(rows.order_by("-history_id")[:_ROWS])
    kept = {field.name for field in history.tracked_fields}
    fields = [field for field in shown_fields(type(subject)) if field.name in kept]
    people = names_of(
        {getattr(row, f.attname) for row in newest for f in fields if points_to_person(f)}
        | {row.history_user_id for row in newest}
    )
    ordered = newest[::-1]
    return [
        Correction(
            at=row.history_date,
            actor=people.get(row.history_user_id, _("system")),
            reason=row.history_change_reason or "",
            transition_id=row.transition_id,
            changes=_changes(earlier, row, fields, people, hidden),
            row=row.history_id,
            is_first=earlier is None,
        )
        for earlier, row in pairwise([None, *ordered])
        if since is None or row.history_date >= since
    ]


def _changes(
    earlier: Any, row: Any, fields: list[Any], people: dict[Any, str], hidden: Collection[str]
) -> list[Change]:
    if earlier is None:
        return []
    found = []
    for field in fields:
        old, new = getattr(earlier, field.attname), getattr(row, field.attname)
        if old == new:
            continue
        if field.name in hidden:
            found.append(Change(label=label_of(field), old=_hidden(old), new=_hidden(new)))
            continue
        found.append(
            Change(
                label=label_of(field),
                old=text_of(field, old, people),
                new=text_of(field, new, people),
            )
        )
    return found


def _hidden(value: Any) -> str:
    return "-" if value in (None, "") else HIDDEN


def labels_of(subject: Tracked | None, changes: Iterable[tuple[str, Any, Any]]) -> list[Change]:
    """Return foreseen changes of fields in words; one statement at most."""
    if subject is None:
        return []
    found = [(subject._meta.get_field(name), old, new) for name, old, new in changes]
    people = names_of(
        {
            getattr(value, "pk", None)
            for field, old, new in found
            if points_to_person(field)
            for value in (old, new)
        }
    )

    def text(field: Any, value: Any) -> str:
        return text_of(field, getattr(value, "pk", value), people)

    return [
        Change(label=label_of(field), old=text(field, old), new=text(field, new))
        for field, old, new in found
    ]
