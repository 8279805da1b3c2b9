"""Electronic signatures, each of one request."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from workflow.models.envelope import TransitionEnvelope


class Signature(models.Model):
    """Who signed which request, with what meaning, after proving who they are.

    It is bound to the request: `digest` is that of `content`, which is all that was asked, and is
    the envelope's digest too. The entry that tells of the request repeats it, so that it is part
    of the chain. The database refuses update and delete.
    """

    envelope: models.OneToOneField[TransitionEnvelope, TransitionEnvelope] = models.OneToOneField(
        TransitionEnvelope, on_delete=models.PROTECT, primary_key=True, related_name="signature"
    )
    envelope_id: uuid.UUID
    signer: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    printed_name = models.CharField(max_length=150)
    meaning = models.TextField(help_text="What the signer was told that it means.")
    method = models.CharField(max_length=64, help_text="How they proved who they are.")
    signed_at = models.DateTimeField()
    content = models.TextField(help_text="What was signed: canonical JSON, byte for byte.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the content.")

    class Meta:
        """In the order of signing."""

        ordering: ClassVar = ["signed_at"]

    def __str__(self) -> str:
        """Return who and when."""
        return f"{self.printed_name}, {self.signed_at:%Y-%m-%d %H:%M} UTC: {self.meaning}"
