"""The one home of a status."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from workflow.models.identity import uuid7

if TYPE_CHECKING:
    from workflow.models.envelope import TransitionEnvelope


class Record(models.Model):
    """A regulated record of any workflow: where it stands, and what put it there.

    Only the engine writes rows. The database refuses a change of status, version or last
    transition unless the version rises by one and a fired envelope of this record, made for just
    that version, names the new status (`workflow.models.guards`).
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    workflow = models.CharField(max_length=64, editable=False)
    reference = models.CharField(
        max_length=100, help_text="What people call it; unique within its workflow."
    )
    status = models.CharField(max_length=64, editable=False)
    version = models.PositiveIntegerField(
        default=0, editable=False, help_text="How many transitions it has made."
    )
    last_transition: models.ForeignKey[TransitionEnvelope | None, TransitionEnvelope | None] = (
        models.ForeignKey(
            "workflow.TransitionEnvelope",
            on_delete=models.PROTECT,
            null=True,
            blank=True,
            editable=False,
            related_name="+",
            db_index=False,
        )
    )
    status_since = models.DateTimeField(editable=False)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        """References are unique within a workflow; lists filter by workflow and status."""

        verbose_name = _("record")
        verbose_name_plural = _("records")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workflow", "reference"], name="record_reference")
        ]
        indexes: ClassVar = [
            models.Index(fields=["workflow", "status", "status_since"], name="record_status"),
            models.Index(fields=["status_since"], name="record_since"),
            # On PostgreSQL, LIKE 'ABC%' needs the pattern class; elsewhere it is left out.
            models.Index(
                fields=["reference"], opclasses=["varchar_pattern_ops"], name="record_prefix"
            ),
        ]

    def __str__(self) -> str:
        """Return what people call it."""
        return self.reference
