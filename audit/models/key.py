"""The public keys that seals were signed with."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class SealKey(models.Model):
    """A public key, and which earlier key vouches for it.

    The private keys are never in the database: who can write to it cannot sign.
    """

    public = models.CharField(
        max_length=64, primary_key=True, help_text="Ed25519, 32 bytes as hexadecimal digits."
    )
    introduced_at = models.DateTimeField()
    introduced_by = models.CharField(
        max_length=64, blank=True, help_text="Public key that vouches for it; empty: none does."
    )
    endorsement = models.CharField(
        max_length=128, blank=True, help_text="That key's signature of this one."
    )
    reason = models.TextField(blank=True)

    class Meta:
        """In the order of their use."""

        ordering: ClassVar = ["introduced_at"]

    def __str__(self) -> str:
        """Return its first digits."""
        return self.public[:16]
