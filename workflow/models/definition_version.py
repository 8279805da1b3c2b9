"""Which definitions this database has seen, so that none changes or vanishes unnoticed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class DefinitionVersion(models.Model):
    """One version of a workflow, as it was when first used here."""

    workflow = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)
    meaning = models.JSONField(help_text="What the fingerprint covers.")
    seen_at = models.DateTimeField()

    class Meta:
        """One row a version."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workflow", "version"], name="definition_version")
        ]

    def __str__(self) -> str:
        """Return name and version."""
        return f"{self.workflow}/{self.version}"
