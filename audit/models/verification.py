"""What checking the trail found, and how far it has come."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models


class Verification(models.Model):
    """One reading of the whole trail."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: still running, or interrupted; resume it."
    )
    position: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(
        null=True, blank=True, help_text="The last chain that is done."
    )
    entries = models.PositiveBigIntegerField(default=0)
    chains = models.PositiveBigIntegerField(default=0)
    seals = models.PositiveIntegerField(default=0)
    unsealed = models.PositiveBigIntegerField(
        default=0, help_text="Entries after the last seal of their chain: sound, but not proved."
    )
    problems = models.PositiveBigIntegerField(default=0)
    is_pinned = models.BooleanField(
        default=False, help_text="Whether the keys to trust came from outside the database."
    )

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        """Return the verdict in one sentence."""
        read = f"{self.entries:,} entries in {self.chains:,} chains and {self.seals:,} seals"
        if self.problems:
            return f"{self.problems:,} problems in {read}"
        return f"Sound: {read}" if self.finished_at else f"Unfinished: {read} so far"


class Problem(models.Model):
    """One thing that a verification found wrong; at most 1,000 of them are kept."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    verification: models.ForeignKey[Verification, Verification] = models.ForeignKey(
        Verification, on_delete=models.CASCADE, related_name="found"
    )
    kind = models.CharField(max_length=16)
    chain: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(
        null=True, blank=True
    )
    sequence = models.PositiveIntegerField(
        null=True, blank=True, help_text="The first bad entry of the chain."
    )
    until = models.PositiveIntegerField(
        null=True, blank=True, help_text="It lies between `sequence` and this."
    )
    seal = models.PositiveIntegerField(null=True, blank=True)
    message = models.TextField()

    class Meta:
        """As found."""

        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        """Return what is wrong."""
        return self.message
