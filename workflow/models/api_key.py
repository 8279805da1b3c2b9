"""Keys by which other systems use the API."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class KeyScope(models.TextChoices):
    """What a key may be used for. Its user's permissions bound it as well."""

    READ = "read", _("Read")
    REQUEST = "request", _("Request transitions")
    ACT = "act", _("Cancel, retry and settle")
    PAUSE = "pause", _("Pause and lift")
    CALL_BACK = "call_back", _("Report on downstream calls")


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Which keys."""

    def usable(self, *, now: datetime) -> Self:
        """Return those that open anything."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=now)


class ApiKey(models.Model):
    """One key: whom it acts for, what it may do, until when. The secret itself is not kept."""

    id = models.CharField(
        _("id"), max_length=16, primary_key=True, editable=False, help_text=_("Its public part.")
    )
    digest = models.CharField(
        max_length=64,
        editable=False,
        help_text="SHA-256 of the secret, which is random and long: no salt is needed.",
    )
    name = models.CharField(
        _("name"), max_length=100, help_text=_("Which system has it, and what for.")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Whom it acts for: its permissions bound the key."),
    )
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(_("made at"))
    created_by = models.CharField(_("made by"), max_length=150)
    expires_at = models.DateTimeField(_("expires at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    last_used_at = models.DateTimeField(
        _("last used at"), null=True, blank=True, help_text=_("To the minute; of successful use.")
    )

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        """The newest first."""

        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        """Return which one it is; nothing secret."""
        return f"{self.name} ({self.id})"
