"""What a domain model inherits: a record of its own, and a history of its fields."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models
from simple_history.models import HistoricalRecords

from workflow.models.record import Record

if TYPE_CHECKING:
    from django.db.models.fields.related import OneToOneField


class TransitionHistory(models.Model):
    """Base of every history table: the transition that changed the fields, if one did.

    Status (audit trail) and fields (history) join on it, as of any time.
    """

    transition_id: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(
        null=True, blank=True, editable=False
    )

    class Meta:
        """No table of its own."""

        abstract = True


class _History(HistoricalRecords):  # type: ignore[misc]  # simple-history has no type hints
    """Keeps rows that are looked for by their object, their record or their transition only.

    An index for each person that a row names would cost more than the row.
    """

    def copy_fields(self, model: type[models.Model]) -> dict[str, models.Field[object, object]]:
        """Return the fields of the history table."""
        fields: dict[str, models.Field[object, object]] = super().copy_fields(model)
        for name, field in fields.items():
            if isinstance(field, models.ForeignKey) and name != "record":
                field.db_index = False  # type: ignore[attr-defined]  # the stubs lack it
        return fields


class Tracked(models.Model):
    """A domain model whose status is kept by the engine.

    It *has* a record rather than being one, so bulk operations work and an existing table is
    adopted by this one nullable column. Make rows with `engine.start`.
    """

    record: OneToOneField[Record | None, Record | None] = models.OneToOneField(
        Record, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    history = _History(
        bases=[TransitionHistory],
        inherit=True,
        history_change_reason_field=models.TextField(null=True, blank=True),
    )

    class Meta:
        """No table of its own."""

        abstract = True

    @property
    def summary(self) -> str:
        """What it is about, in one line, for lists of those who may see it unmasked.

        Empty: the reference says enough. Reads the object's own columns and nothing else: it is
        asked of every row.
        """
        return ""

    @property
    def status(self) -> str | None:
        """The record's status, read-only; None before the engine has started the record."""
        return None if self.record is None else self.record.status
