"""The public keys that seals were signed with."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class SealKey(models.Model):
    """A public key, and which earlier key vouches for it.

    The private keys are never in the database: who can write to it cannot sign.
    """

    public = models.CharField(
        verbose_name=_("public key"),
        max_length=64,
        primary_key=True,
        help_text=_("Ed25519, 32 bytes as hexadecimal digits."),
    )
    introduced_at = models.DateTimeField(
        verbose_name=_("introduced at"),
    )
    introduced_by = models.CharField(
        verbose_name=_("introduced by"),
        max_length=64,
        blank=True,
        help_text=_("Public key that vouches for it; empty: none does."),
    )
    endorsement = models.CharField(
        max_length=128, blank=True, help_text=_("That key's signature of this one.")
    )
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        """In the order of their use."""

        verbose_name = _("seal key")
        verbose_name_plural = _("seal keys")
        ordering: ClassVar = ["introduced_at"]

    def __str__(self) -> str:
        """Return its first digits."""
        return self.public[:16]
