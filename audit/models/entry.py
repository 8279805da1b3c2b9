"""The trail itself: one table of entries that are only ever inserted."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Entry(models.Model):
    """Who did what to which chain, when and why; old value, new value, evidence.

    The database refuses to update or delete a row (see `workflow.models.guards`). The unique
    constraint over chain and sequence is what orders concurrent writers: two that extend the same
    head cannot both commit.
    """

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    chain: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        help_text="What the entry is about; a record's id."
    )
    sequence = models.PositiveIntegerField(help_text="1 for the first entry of the chain.")
    at = models.DateTimeField(help_text="Recorded at, UTC.")
    action = models.CharField(max_length=32)
    actor_id = models.CharField(max_length=64, blank=True, help_text="Empty: the system.")
    actor = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    old = models.CharField(max_length=64, blank=True)
    new = models.CharField(max_length=64, blank=True)
    transition_id: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(
        null=True, blank=True
    )
    correlation_id = models.CharField(max_length=64, blank=True)
    evidence = models.TextField(
        blank=True, help_text="Canonical JSON object, byte for byte as it was digested."
    )
    previous = models.CharField(max_length=64, help_text="Digest of the entry before; or zeros.")
    digest = models.CharField(max_length=64)

    class Meta:
        """One entry a place in the chain."""

        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        permissions: ClassVar = [("redact_entry", "Can redact personal values of entries")]
        ordering: ClassVar = ["chain", "sequence"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chain", "sequence"], name="audit_entry_place")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["transition_id"],
                condition=models.Q(transition_id__isnull=False),
                name="audit_entry_transition",
            )
        ]

    def __str__(self) -> str:
        """Return the entry's place and action."""
        return f"{self.chain}#{self.sequence} {self.action}"
