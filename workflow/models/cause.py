"""What is known about a kind of failure: who looks after it, and what they found."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Cause(models.Model):
    """Owner and note of a cause of failure; they stay when what failed is retried and gone."""

    workflow = models.CharField(max_length=64)
    transition = models.CharField(max_length=64)
    effect = models.CharField(max_length=64, blank=True, help_text="Empty: the transition itself.")
    code = models.CharField(max_length=64)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    note = models.TextField(blank=True)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=150)

    class Meta:
        """One row a cause."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workflow", "transition", "effect", "code"], name="cause_key"
            )
        ]

    def __str__(self) -> str:
        """Return what failed, and how."""
        return f"{self.workflow}.{self.transition}: {self.code}"
