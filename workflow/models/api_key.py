"""Keys by which other systems use the API."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models


class KeyScope(models.TextChoices):
    """What a key may be used for. Its user's permissions bound it as well."""

    READ = "read", "Read"
    REQUEST = "request", "Request transitions"
    ACT = "act", "Cancel, retry and settle"
    PAUSE = "pause", "Pause and lift"
    CALL_BACK = "call_back", "Report on downstream calls"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Which keys."""

    def usable(self, *, now: datetime) -> Self:
        """Return those that open anything."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=now)


class ApiKey(models.Model):
    """One key: whom it acts for, what it may do, until when. The secret itself is not kept."""

    id = models.CharField(
        max_length=16, primary_key=True, editable=False, help_text="Its public part."
    )
    digest = models.CharField(
        max_length=64,
        editable=False,
        help_text="SHA-256 of the secret, which is random and long: no salt is needed.",
    )
    name = models.CharField(max_length=100, help_text="Which system has it, and what for.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Whom it acts for: its permissions bound the key.",
    )
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(
        null=True, blank=True, help_text="To the minute; of successful use."
    )

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        """The newest first."""

        verbose_name = "API key"
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        """Return which one it is; nothing secret."""
        return f"{self.name} ({self.id})"
