"""The transition envelope: idempotency key, queue row and ledger of one requested transition.

Its columns are of two kinds. *What was asked* is written once and then guarded by a trigger: who,
what, why, when, with which input. *How it fares* changes while it is worked on, and only under the
current fence.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

from workflow.models.backfill import BackfillRun
from workflow.models.pause import Pause, Scope
from workflow.models.record import Record


class State(models.TextChoices):
    """How far a requested transition has come."""

    SCHEDULED = "scheduled", _("Scheduled")
    """Becomes `waiting` when its time comes. Holds no slot."""

    WAITING = "waiting", _("Waiting")
    """To be worked on from `due_at`; after a failed attempt, backing off until then."""

    RUNNING = "running", _("Running")
    """Claimed by a worker, whose lease ends at `due_at`."""

    CALLING = "calling", _("Calling downstream")
    """Its guards consent; a before-effect is being delivered, whose outcome makes it due again."""

    UNDOING = "undoing", _("Undoing")
    """It will not fire; what its before-effects did is being taken back. Then: `closing_as`."""

    PARKED = "parked", _("Parked")
    """Automatic attempts are used up or pointless; a person decides. Keeps its slot."""

    FIRED = "fired", _("Fired")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")

    RECONSTRUCTED = "reconstructed", _("Reconstructed")
    """Happened before the record came under the engine, as a source tells. It moved no record."""


IN_FLIGHT = (State.WAITING, State.RUNNING, State.CALLING, State.UNDOING, State.PARKED)
"""States that hold the record's one slot."""

FINAL = (State.FIRED, State.REFUSED, State.FAILED, State.CANCELLED, State.RECONSTRUCTED)


class Origin(models.TextChoices):
    """The door through which a request came."""

    FORM = "form", _("Form")
    API = "api", _("API")
    COMMAND = "command", _("Command")
    TIMER = "timer", _("Timer")
    PYTHON = "python", _("Python")
    BACKFILL = "backfill", _("Backfill")


class Priority(models.IntegerChoices):
    """Which of two due envelopes goes first."""

    NORMAL = 0, _("Normal")
    BULK = 1, _("Bulk")


class EnvelopeQuerySet(models.QuerySet["TransitionEnvelope"]):
    """Which envelopes; steps decide what happens to them."""

    def in_flight(self) -> Self:
        """Return those that hold their record's slot."""
        return self.filter(state__in=IN_FLIGHT, finished_at__isnull=True)

    def runnable(self, versions: Mapping[str, Collection[int]]) -> Self:
        """Return those pinned to one of these definition versions, by workflow name."""
        known = Q()
        for workflow, numbers in versions.items():
            known |= Q(workflow=workflow, definition_version__in=numbers)
        return self.filter(known) if known else self.none()

    def ready(self, *, now: datetime) -> Self:
        """Return those that a worker may claim."""
        return self.filter(state=State.WAITING, due_at__lte=now)

    def still_ready(self, *, now: datetime) -> Self:
        """Return those of some, given by their keys, that are `ready`.

        In other words: by those of `ready`, SQLite reads all that waits to find a few keys.
        """
        return self.filter(state=State.WAITING).exclude(due_at__gt=now)

    def not_paused(self, *, now: datetime) -> Self:
        """Return those that no pause of their workflow or transition holds up."""
        full_name = Concat(OuterRef("workflow"), Value("."), OuterRef("transition"))
        held_up = Pause.objects.in_force(now=now).filter(
            Q(scope=Scope.WORKFLOW, name=OuterRef("workflow"))
            | Q(scope=Scope.TRANSITION, name=full_name)
        )
        return self.exclude(Exists(held_up))

    def expired(self, *, now: datetime) -> Self:
        """Return those whose worker let its lease run out."""
        return self.filter(state=State.RUNNING, due_at__lte=now)

    def overdue(self, *, now: datetime) -> Self:
        """Return those whose deadline came while they waited for a before-effect."""
        return self.filter(state=State.CALLING, due_at__lte=now)

    def to_undo(self, *, now: datetime) -> Self:
        """Return those of which the next before-effect is to be taken back."""
        return self.filter(state=State.UNDOING, due_at__lte=now)

    def ripe(self, *, now: datetime) -> Self:
        """Return those scheduled for now or earlier."""
        return self.filter(state=State.SCHEDULED, due_at__lte=now)


class TransitionEnvelope(models.Model):
    """One requested transition. Its primary key is the idempotency key, for ever."""

    transition_id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, editable=False
    )

    # What was asked: fixed at creation.
    record: models.ForeignKey[Record, Record] = models.ForeignKey(
        Record, on_delete=models.PROTECT, related_name="envelopes", editable=False
    )
    workflow = models.CharField(max_length=64, editable=False)
    definition_version = models.PositiveIntegerField(editable=False)
    transition = models.CharField(max_length=64, editable=False)
    target = models.CharField(max_length=64, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
    )
    actor_label = models.CharField(max_length=150, editable=False)
    reason = models.TextField(blank=True, editable=False)
    payload = models.JSONField(default=dict, blank=True, editable=False)
    digest = models.CharField(
        max_length=64, editable=False, help_text="SHA-256 of what was asked; a repeat must match."
    )
    origin = models.CharField(max_length=16, choices=Origin.choices, editable=False)
    correlation_id = models.CharField(max_length=64, editable=False)
    expected_version = models.PositiveIntegerField(
        null=True, blank=True, editable=False, help_text="Fires only from this record version."
    )
    traceparent = models.CharField(
        max_length=55, blank=True, editable=False, help_text="W3C trace context of the request."
    )
    requested_at = models.DateTimeField(editable=False)
    deadline_at = models.DateTimeField(null=True, blank=True, editable=False)
    priority = models.PositiveSmallIntegerField(
        choices=Priority.choices, default=Priority.NORMAL, editable=False
    )

    # Where it was told, if it is history: null on what was asked here.
    happened_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Original time, as the source tells it; recorded was it at `requested_at`.",
    )
    source_run: models.ForeignKey[BackfillRun | None, BackfillRun | None] = models.ForeignKey(
        BackfillRun,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="envelopes",
        db_index=False,  # the index below serves
    )
    source_row = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    source_position = models.PositiveIntegerField(
        null=True,
        blank=True,
        editable=False,
        help_text="Place among the record's events in the source.",
    )

    # How it fares: changed by the engine alone.
    state = models.CharField(max_length=16, choices=State.choices, editable=False)
    due_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Next act; while running, end of lease."
    )
    fence = models.PositiveIntegerField(
        default=0, editable=False, help_text="Rises with every claim; a lower one may not write."
    )
    claim: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(
        null=True, blank=True, editable=False
    )
    worker = models.CharField(max_length=100, blank=True, editable=False)
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField(
        default=0, editable=False, help_text="Attempts that count against the retry policy."
    )
    crashes = models.PositiveIntegerField(
        default=0, editable=False, help_text="How many of them killed or lost their worker."
    )
    called = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text="Before-effects that were planned."
    )
    closing_as = models.CharField(
        max_length=16,
        choices=State.choices,
        blank=True,
        editable=False,
        help_text="Final state that it is going to reach without firing.",
    )
    code = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Stable reason code of the outcome."
    )
    message = models.TextField(
        blank=True, editable=False, help_text="The same in words; the evidence is in the trail."
    )
    resulting_version = models.PositiveIntegerField(
        null=True, blank=True, editable=False, help_text="Record version it made by firing."
    )
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = EnvelopeQuerySet.as_manager()

    class Meta:
        """The slot, the versions and the queue, each held by an index of its own."""

        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["record"],
                # That it has no end says the same again: it keeps a planner with the statistics
                # of a quieter hour from walking this index, of all in flight, for what is due.
                condition=Q(state__in=list(IN_FLIGHT), finished_at__isnull=True),
                name="envelope_slot",
            ),
            models.CheckConstraint(
                condition=Q(state__in=list(FINAL), finished_at__isnull=False)
                | (~Q(state__in=list(FINAL)) & Q(finished_at__isnull=True)),
                name="envelope_finished",
            ),
            models.UniqueConstraint(
                fields=["record", "resulting_version"],
                condition=Q(resulting_version__isnull=False),
                name="envelope_resulting_version",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.RECONSTRUCTED)
                | Q(
                    origin=Origin.BACKFILL,
                    happened_at__isnull=False,
                    source_run__isnull=False,
                    resulting_version__isnull=True,
                ),
                name="envelope_reconstructed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["state", "priority", "due_at"],
                condition=Q(due_at__isnull=False),
                name="envelope_due",
            ),
            models.Index(fields=["correlation_id"], name="envelope_correlation"),
            models.Index(
                fields=["source_run", "source_row"],
                condition=Q(source_run__isnull=False),
                name="envelope_source",
            ),
            models.Index(fields=["requested_at"], name="envelope_requested"),
            models.Index(
                fields=["actor", "requested_at"],
                condition=models.Q(actor__isnull=False),
                name="envelope_actor",
            ),
            models.Index(
                fields=["finished_at", "state"],
                condition=models.Q(finished_at__isnull=False),
                name="envelope_finished",
            ),
            models.Index(
                fields=["requested_at", "code"],
                condition=models.Q(code__gt=""),
                name="envelope_said_no",
            ),
            models.Index(
                fields=["state", "workflow", "transition", "code"],
                condition=models.Q(state__in=[State.PARKED, State.FAILED]),
                name="envelope_trouble",
            ),
        ]
        permissions: ClassVar = [
            ("request_transition", "Can ask for transitions on the engine's pages"),
            ("retry_transition", "Can set parked transitions going again, and cancel"),
            ("settle_effect", "Can settle effects in doubt"),
            ("bulk_transition", "Can retry, cancel and request in bulk"),
            ("pause_work", "Can pause and resume channels and transitions"),
            ("reveal_personal", "Can look at personal data, which is entered each time"),
            ("configure_workflow", "Can change channels and limits"),
        ]

    def __str__(self) -> str:
        """Return transition and id."""
        return f"{self.transition} {self.transition_id}"

    @property
    def is_in_flight(self) -> bool:
        """Whether it holds its record's slot."""
        return self.state in IN_FLIGHT

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in FINAL
