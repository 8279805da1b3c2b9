"""What a record was at any time: its status from the trail, its fields from the history.

Both are written in the transaction of the change, so what they say of a time is what was committed
by then, whatever has happened since.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from simple_history.utils import get_history_manager_for_model

from audit.models import Entry
from workflow.definition import registry
from workflow.engine.trail import MOVES
from workflow.models import Record


@dataclass(frozen=True, kw_only=True)
class AsOf:
    """A record at a time."""

    at: datetime
    status: str
    version: int
    """How many transitions it had made."""

    since: datetime
    """When it had entered that status."""

    transition_id: UUID | None
    """What had put it there; None: it had been started there."""

    entry: int
    """Sequence of the entry that says so."""

    fields: Mapping[str, Any]
    """The domain object's own fields by name; empty if its history does not reach back so far."""


def as_of(*, record: Record, at: datetime) -> AsOf | None:
    """Return the record as it was; None if it did not exist yet.

    Two or three statements.
    """
    moved = Entry.objects.filter(
        chain=record.pk, action__in=[action.value for action in MOVES], at__lte=at
    ).exclude(new="")
    last = moved.order_by("-sequence").first()
    if last is None:
        return None
    return AsOf(
        at=at,
        status=last.new,
        version=json.loads(last.evidence or "{}").get("version", 0),
        since=last.at,
        transition_id=last.transition_id,
        entry=last.sequence,
        fields=_fields(record, at),
    )


def _fields(record: Record, at: datetime) -> dict[str, Any]:
    """Return the fields as the last history row by then has them.

    An object that is saved and started at once gets its first row from its own clock, a moment
    later than the record; so the first row counts from the record's beginning.
    """
    model = registry.latest(record.workflow).subject
    history = get_history_manager_for_model(model).model
    rows = history.objects.filter(record_id=record.pk)
    row = rows.filter(history_date__lte=at).order_by("-history_date", "-history_id").first()
    row = row or rows.order_by("history_date", "history_id").first()
    if row is None:
        return {}
    return {field.name: getattr(row, field.attname) for field in history.tracked_fields}
