"""The effect ledger: one row for each downstream call that a transition asks for.

Its columns are of two kinds, like the envelope's. *What is to be sent* is written once and guarded
by a trigger. *How it fares* changes under the current fence only: every claim raises the fence,
and so does everything else that ends one, so that whoever comes late finds another.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from workflow.models.envelope import Priority, TransitionEnvelope
from workflow.models.record import Record


class Phase(models.TextChoices):
    """Which part an effect plays in its transition."""

    BEFORE = "before", _("Before")
    """Must be done before the transition fires."""

    AFTER = "after", _("After")
    """Follows from the transition, which has fired."""

    UNDO = "undo", _("Undo")
    """Takes back what a before-effect did, since the transition will not fire."""


class Doubt(models.TextChoices):
    """How a doubt about the call is resolved, as declared when it was planned."""

    RESEND = "resend", _("Sent again under its key")
    LOOKUP = "lookup", _("Looked up downstream")
    ASK = "ask", _("Settled by a person")


class EffectState(models.TextChoices):
    """How far a downstream call has come."""

    WAITING = "waiting", _("Waiting")
    """To be sent from `due_at`; after a failed attempt, backing off until then."""

    SENDING = "sending", _("Sending")
    """Its intent is durable and a worker may be calling; the lease ends at `due_at`."""

    CHECKING = "checking", _("Checking")
    """It may have happened: the downstream is asked at `due_at`."""

    PENDING = "pending", _("Accepted, not finished")
    """The downstream works on it; polled at `due_at`, or given up on then."""

    IN_DOUBT = "in_doubt", _("In doubt")
    """It may have happened, and nobody but a person can tell."""

    PARKED = "parked", _("Parked")
    """It has not happened, and a person decides what next."""

    DONE = "done", _("Done")
    DECLINED = "declined", _("Declined")
    """The downstream decided against it."""

    ABANDONED = "abandoned", _("Given up")
    """Will not be sent any more: it did not happen, or a person let it be."""


EFFECT_READY = (EffectState.WAITING, EffectState.CHECKING, EffectState.PENDING)
"""States in which a worker takes the row up once it is due."""

EFFECT_STUCK = (EffectState.IN_DOUBT, EffectState.PARKED)
"""States that wait for a person."""

EFFECT_FINAL = (EffectState.DONE, EffectState.DECLINED, EffectState.ABANDONED)


class EffectQuerySet(models.QuerySet["EffectEntry"]):
    """Which rows; steps decide what happens to them."""

    def unfinished(self) -> Self:
        """Return those to which something will still happen, or should."""
        return self.filter(finished_at__isnull=True)

    def ready(self, *, now: datetime) -> Self:
        """Return those that are due and nobody's.

        Their channel may be closed, though, and an earlier call of their record be in front of
        them; see `line`.
        """
        return self.filter(
            finished_at__isnull=True, claim__isnull=True, state__in=EFFECT_READY, due_at__lte=now
        )

    def expired(self, *, now: datetime) -> Self:
        """Return those whose worker let its lease run out."""
        return self.filter(finished_at__isnull=True, claim__isnull=False, due_at__lte=now)


class EffectEntry(models.Model):
    """One downstream call: what is to be sent, under which key, and what came of it."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)

    # What is to be sent: fixed when it is planned.
    envelope: models.ForeignKey[TransitionEnvelope, TransitionEnvelope] = models.ForeignKey(
        TransitionEnvelope,
        on_delete=models.PROTECT,
        related_name="effects",
        editable=False,
        db_index=False,  # the unique constraint serves
    )
    record: models.ForeignKey[Record, Record] = models.ForeignKey(
        Record, on_delete=models.PROTECT, related_name="+", editable=False, db_index=False
    )
    name = models.CharField(max_length=64, editable=False)
    phase = models.CharField(max_length=8, choices=Phase.choices, editable=False)
    position = models.PositiveSmallIntegerField(
        editable=False, help_text="Place among the effects of its phase."
    )
    channel = models.CharField(max_length=64, editable=False)
    recovery = models.CharField(max_length=8, choices=Doubt.choices, editable=False)
    priority = models.PositiveSmallIntegerField(
        choices=Priority.choices, default=Priority.NORMAL, editable=False
    )
    request = models.JSONField(
        default=dict, editable=False, help_text="As every attempt sends it."
    )
    undoes: models.ForeignKey[EffectEntry | None, EffectEntry | None] = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="undone_by",
        db_index=False,
    )
    planned_at = models.DateTimeField(editable=False)

    # How it fares: changed by the engine alone.
    state = models.CharField(max_length=16, choices=EffectState.choices, editable=False)
    due_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Next act; while claimed, end of lease."
    )
    fence = models.PositiveIntegerField(
        default=0, editable=False, help_text="Rises with every claim; a lower one may not write."
    )
    claim: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(
        null=True, blank=True, editable=False
    )
    worker = models.CharField(max_length=100, blank=True, editable=False)
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    send_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="An intent is not acted on after this."
    )
    attempts = models.PositiveIntegerField(
        default=0, editable=False, help_text="Sendings that count against the retry policy."
    )
    checks = models.PositiveIntegerField(
        default=0, editable=False, help_text="Look-ups in a row that gave no answer."
    )
    crashes = models.PositiveIntegerField(
        default=0, editable=False, help_text="How many attempts lost their worker."
    )
    is_doubtful = models.BooleanField(
        default=False, editable=False, help_text="An attempt may have happened."
    )
    first_sent_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="First attempt that may have happened."
    )
    receipt = models.JSONField(default=dict, blank=True, editable=False)
    code = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Stable reason code."
    )
    message = models.TextField(blank=True, editable=False)
    fraction = models.FloatField(
        null=True, blank=True, editable=False, help_text="Progress of a long call, 0 to 1."
    )
    progress_note = models.CharField(max_length=200, blank=True, editable=False)
    heard_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Last sign of life of a long call."
    )
    waits_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="How long an accepted call may take."
    )
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = EffectQuerySet.as_manager()

    class Meta:
        """One row a key; the queue, the order per record and channel, and the claims."""

        verbose_name_plural = "effect entries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["envelope", "name", "phase"], name="effect_key")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["channel", "priority", "due_at"],
                condition=models.Q(finished_at__isnull=True),
                name="effect_due",
            ),
            models.Index(
                fields=["record", "channel"],
                condition=models.Q(finished_at__isnull=True),
                name="effect_order",
            ),
            models.Index(
                fields=["due_at"],
                condition=models.Q(claim__isnull=False),
                name="effect_lease",
            ),
        ]

    def __str__(self) -> str:
        """Return the key."""
        return self.key

    @property
    def key(self) -> str:
        """The idempotency key: transition id and effect name, the same for ever."""
        key = f"{self.envelope_id}:{self.name}"
        return f"{key}:undo" if self.phase == Phase.UNDO else key

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in EFFECT_FINAL

    @property
    def is_stuck(self) -> bool:
        """Whether it waits for a person."""
        return self.state in EFFECT_STUCK
