"""Seals that were written outside the database, or could not be."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from audit.models.seal import Seal


class Anchoring(models.Model):
    """One try to write one seal to one place outside."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    seal: models.ForeignKey[Seal, Seal] = models.ForeignKey(
        Seal, on_delete=models.PROTECT, related_name="anchorings"
    )
    anchor = models.CharField(max_length=200, help_text="Where to, without credentials.")
    at = models.DateTimeField()
    succeeded = models.BooleanField()
    detail = models.TextField(blank=True, help_text="What went wrong.")

    class Meta:
        """In the order of trying."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["anchor", "succeeded", "seal"], name="audit_anchoring_seal")
        ]

    def __str__(self) -> str:
        """Return what was tried, and how it went."""
        return f"{self.seal_id} to {self.anchor}: {'done' if self.succeeded else self.detail}"
