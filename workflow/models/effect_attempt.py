"""Each time a downstream was called or asked about an effect, and what came of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from workflow.models.effect_entry import EffectEntry


class Kind(models.TextChoices):
    """What was done about an effect."""

    SEND = "send", _("Sent")
    LOOKUP = "lookup", _("Looked up")
    POLL = "poll", _("Polled")
    CALL_BACK = "call_back", _("Called back")
    PERSON = "person", _("Settled by hand")


class Outcome(models.TextChoices):
    """What came of it."""

    DONE = "done", _("Done")
    PENDING = "pending", _("Accepted, not finished")
    POSTPONED = "postponed", _("Failed; may be tried again")
    REJECTED = "rejected", _("Failed for good")
    DECLINED = "declined", _("Declined")
    UNKNOWN = "unknown", _("Unknown")
    ABSENT = "absent", _("Not there")
    DIED = "died", _("Worker died")
    UNSENT = "unsent", _("Handed back unsent")
    RETRIED = "retried", _("Set going again")
    ABANDONED = "abandoned", _("Given up")


class EffectAttempt(models.Model):
    """One ended claim of an effect, or one act upon it. A running one is the claim on the effect.

    The database refuses update and delete, and a second row for the same fence.
    """

    effect: models.ForeignKey[EffectEntry, EffectEntry] = models.ForeignKey(
        EffectEntry,
        on_delete=models.PROTECT,
        related_name="attempt_set",
        db_index=False,  # the unique constraint serves
    )
    fence = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    worker = models.CharField(max_length=150, help_text="Or the person.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    code = models.CharField(max_length=64, blank=True)
    message = models.TextField(blank=True)
    answer = models.JSONField(default=dict, blank=True, help_text="Receipt, secrets masked.")
    detail = models.TextField(blank=True, help_text="Traceback, cut to a bounded length.")

    class Meta:
        """One row a fence."""

        ordering: ClassVar = ["effect", "fence"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["effect", "fence"], name="effect_attempt_fence")
        ]

    def __str__(self) -> str:
        """Return which try it was and how it ended."""
        return f"{self.effect_id}#{self.fence} {self.kind} {self.outcome}"
