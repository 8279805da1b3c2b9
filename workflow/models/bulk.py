"""One act on many: prepared first, then done in stages, with an outcome for each item."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from workflow.models.effect_entry import EffectEntry
from workflow.models.envelope import TransitionEnvelope
from workflow.models.identity import uuid7
from workflow.models.record import Record


class Act(models.TextChoices):
    """What is done to each item."""

    RETRY = "retry", _("Retry")
    CANCEL = "cancel", _("Cancel")
    REQUEST = "request", _("Request a transition")


class BulkState(models.TextChoices):
    """How far a bulk act is."""

    READY = "ready", _("Waiting for the go-ahead")
    """Nothing is done until a person allows the next stage."""

    GOING = "going", _("Going")
    STOPPED = "stopped", _("Stopped")
    DONE = "done", _("Done")


class BulkRun(models.Model):
    """A bulk act: who does what, why, to which items, how far."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    act = models.CharField(max_length=16, choices=Act.choices)
    transition = models.CharField(max_length=64, blank=True, help_text="Of a request.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    payload = models.JSONField(default=dict, blank=True)
    title = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=BulkState.choices, default=BulkState.READY)
    allowed = models.PositiveIntegerField(
        default=0, help_text="How many items, from the first, may be done by now."
    )
    rate = models.PositiveIntegerField(default=50, help_text="Most items a second.")
    advanced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """The newest first."""

        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        """Return its title."""
        return self.title


class ItemState(models.TextChoices):
    """What became of one item."""

    WAITING = "waiting", _("Not begun")
    DONE = "done", _("Done")
    SKIPPED = "skipped", _("Not needed any more")
    REFUSED = "refused", _("Refused")


class BulkItem(models.Model):
    """One record of a bulk act, in its place."""

    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="+")
    envelope = models.ForeignKey(
        TransitionEnvelope,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of a retry: what is retried. Of a request: what came of it.",
    )
    effect = models.ForeignKey(
        EffectEntry,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of a retry: the downstream call that is sent again.",
    )
    transition_id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        default=uuid.uuid4, help_text="Of a request: fixed now, so that each is made once."
    )
    expected = models.PositiveIntegerField(
        help_text="When it was chosen: the record's version; of a retry, the fence."
    )
    state = models.CharField(max_length=16, choices=ItemState.choices, default=ItemState.WAITING)
    message = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One item a place."""

        ordering: ClassVar = ["run", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "position"], name="bulk_item_place")
        ]

    def __str__(self) -> str:
        """Return its place."""
        return f"{self.run_id}#{self.position}"
