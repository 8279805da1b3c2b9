"""Each time a worker took up an envelope, and how that ended."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from workflow.models.envelope import TransitionEnvelope


class Ending(models.TextChoices):
    """How an attempt ended."""

    FIRED = "fired", _("Fired")
    CALLED = "called", _("Handed to a before-effect")
    CANCELLED = "cancelled", _("Cancelled by a person")
    REFUSED = "refused", _("Refused by its guards")
    ERROR = "error", _("Failed; may be tried again")
    PERMANENT = "permanent", _("Failed for good")
    TIMED_OUT = "timed_out", _("Took too long")
    EXPIRED = "expired", _("Came after its deadline")
    INTERRUPTED = "interrupted", _("Handed back")
    DIED = "died", _("Worker died")


class Attempt(models.Model):
    """One ended claim of an envelope; a running one is the claim on the envelope itself.

    The database refuses update and delete, and a second row for the same fence.
    """

    envelope: models.ForeignKey[TransitionEnvelope, TransitionEnvelope] = models.ForeignKey(
        TransitionEnvelope,
        on_delete=models.PROTECT,
        related_name="attempt_set",
        db_index=False,  # the unique constraint serves
    )
    fence = models.PositiveIntegerField()
    worker = models.CharField(max_length=100)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    ending = models.CharField(max_length=16, choices=Ending.choices)
    code = models.CharField(max_length=64, blank=True)
    message = models.TextField(blank=True)
    detail = models.TextField(blank=True, help_text="Traceback, cut to a bounded length.")

    class Meta:
        """One row a claim."""

        ordering: ClassVar = ["envelope", "fence"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["envelope", "fence"], name="attempt_fence")
        ]

    def __str__(self) -> str:
        """Return which try it was and how it ended."""
        return f"{self.envelope_id}#{self.fence} {self.ending}"
