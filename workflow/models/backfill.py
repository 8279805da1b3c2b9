"""Backfill: runs, what they could not adopt, and what they left for later."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from workflow.models.identity import uuid7


class Fault(models.TextChoices):
    """What can be wrong with an event of the past."""

    ILLEGAL_EDGE = "illegal_edge", _("The definition has no such step from where the record stood")
    GAP = "gap", _("The source says it came from another status than where the record stood")
    TIME_BACK = "time_back", _("It is earlier than the event before it")
    TIE = "tie", _("It has the very time of the event before it, and only time gives the order")
    UNKNOWN_ACTOR = "unknown_actor", _("Nobody here is known by that name")
    NO_JOIN = "no_join", _("The history ends elsewhere than the record was started here")

    BROKEN_ROW = "broken_row", _("The row cannot be read")
    MAPPING_FAILED = "mapping_failed", _("The mapping raised an error")
    UNREADABLE = "unreadable", _("The source cannot be read any further")
    UNKNOWN_TRANSITION = "unknown_transition", _("The definition has no such transition")
    UNKNOWN_STATUS = "unknown_status", _("The definition has no such status")
    FUTURE = "future", _("It has not happened yet")
    DUPLICATE_ID = "duplicate_id", _("Another row has its id, with other content")
    CHANGED = "changed", _("It was adopted before with other content")
    MOVED_LIVE = "moved_live", _("The record has moved here since; two systems moved it")
    TOO_LONG = "too_long", _("Its record has more events than fit into memory")
    DATABASE_REFUSED = "database_refused", _("The database refused it")


ADOPTABLE = frozenset(
    {
        Fault.ILLEGAL_EDGE,
        Fault.GAP,
        Fault.TIME_BACK,
        Fault.TIE,
        Fault.UNKNOWN_ACTOR,
        Fault.NO_JOIN,
    }
)
"""Faults with which an event can still be adopted, as an anomaly: what it says is readable, and
leads to a status that the workflow knows. The others leave nothing to adopt."""


class BackfillRun(models.Model):
    """One pass over one source: how far it has come, and what it made of each row.

    The process that works on it holds a lease with a fence, as a worker does on an envelope; each
    batch and the counts of it commit together, and only under the current fence.
    """

    class State(models.TextChoices):
        """How far it has come."""

        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        FINISHED = "finished", _("Finished")
        ABANDONED = "abandoned", _("Abandoned")

    UNFINISHED = (State.RUNNING, State.PAUSED)

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    workflow = models.CharField(_("workflow"), max_length=64)
    mapping = models.CharField(_("mapping"), max_length=100)
    source = models.CharField(_("source"), max_length=500, help_text=_("As it was given."))
    source_digest = models.CharField(
        _("digest of the source"),
        max_length=64,
        blank=True,
        help_text=_("SHA-256 of the file; empty for a table."),
    )
    is_strict = models.BooleanField(
        _("strict"), default=False, help_text=_("Anomalies are rejected.")
    )
    started_by = models.CharField(_("started by"), max_length=150)
    state = models.CharField(
        _("state"), max_length=16, choices=State.choices, default=State.RUNNING
    )
    process = models.CharField(
        _("process"), max_length=150, blank=True, help_text=_("Host and process at work.")
    )
    fence = models.PositiveIntegerField(default=0, help_text=_("Rises with every taking up."))
    lease_ends_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    seconds = models.FloatField(default=0.0, help_text=_("Time at work, pauses left out."))
    rows = models.PositiveBigIntegerField(null=True, blank=True, help_text=_("Of the source."))
    events = models.PositiveBigIntegerField(null=True, blank=True, help_text=_("Readable rows."))
    cursor = models.TextField(
        _("cursor"), blank=True, help_text=_("Reference of the last record done.")
    )
    counts: models.JSONField[dict[str, int], dict[str, int]] = models.JSONField(
        default=dict, help_text=_("What became of the rows.")
    )

    class Meta:
        """Newest first; at most one unfinished run of a source under a mapping."""

        verbose_name = _("backfill run")
        verbose_name_plural = _("backfill runs")
        ordering: ClassVar = ["-started_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["mapping", "source"],
                condition=models.Q(state__in=["running", "paused"]),
                name="backfill_unfinished",
            )
        ]

    def __str__(self) -> str:
        """Return source and mapping."""
        return f"{self.source} as {self.mapping}"

    @property
    def is_unfinished(self) -> bool:
        """Whether there is something left to do."""
        return self.state in self.UNFINISHED

    @property
    def done(self) -> int:
        """How many events have their outcome."""
        return sum(
            count
            for name, count in self.counts.items()
            if name.partition(".")[0] in ("adopted", "anomaly", "known", "repeated", "rejected")
        )

    @property
    def rate(self) -> float:
        """Events a second, over the time at work."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def time_left(self) -> timedelta | None:
        """Time until the end at the present rate; None where it cannot be told."""
        if not self.is_unfinished or not self.rows or not self.rate:
            return None
        return timedelta(seconds=round(max(0, self.rows - self.done) / self.rate))


class BackfillReject(models.Model):
    """One row or event that could not be adopted, with all that it said.

    Its id follows from what it says, so that a second run finds it again. It is resolved by the
    run that adopts it, mended.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(primary_key=True, editable=False)
    run: models.ForeignKey[BackfillRun, BackfillRun] = models.ForeignKey(
        BackfillRun, verbose_name=_("run"), on_delete=models.PROTECT, related_name="rejects"
    )
    workflow = models.CharField(_("workflow"), max_length=64)
    reference = models.CharField(
        _("reference"), max_length=100, blank=True, help_text=_("Of the record, if known.")
    )
    transition = models.CharField(_("transition"), max_length=64, blank=True)
    source_row = models.PositiveBigIntegerField(_("row of the source"))
    source_position = models.PositiveIntegerField(
        _("position in the source"),
        null=True,
        blank=True,
        help_text=_("Place among the record's events in the source."),
    )
    happened_at = models.DateTimeField(_("happened at"), null=True, blank=True)
    code = models.CharField(_("code"), max_length=32, choices=Fault.choices)
    message = models.TextField(_("message"))
    raw = models.TextField(
        _("raw data"), help_text=_("The row as it was read; as JSON if it came that far.")
    )
    rejected_at = models.DateTimeField(_("rejected at"))
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        BackfillRun,
        verbose_name=_("resolved by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="resolved",
    )

    class Meta:
        """Found by record."""

        verbose_name = _("row that was not adopted")
        verbose_name_plural = _("rows that were not adopted")
        ordering: ClassVar = ["run", "source_row"]
        indexes: ClassVar = [
            models.Index(fields=["workflow", "reference"], name="backfill_reject_record")
        ]

    def __str__(self) -> str:
        """Return row and reason."""
        return f"row {self.source_row}: {self.message}"


class BackfillLeft(models.Model):
    """A record that had a transition in flight: the live one goes first, its past comes later."""

    run: models.ForeignKey[BackfillRun, BackfillRun] = models.ForeignKey(
        BackfillRun, on_delete=models.PROTECT, related_name="left"
    )
    reference = models.CharField(max_length=100)
    events = models.PositiveIntegerField()
    why = models.TextField()

    class Meta:
        """Once a run."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "reference"], name="backfill_left_once")
        ]

    def __str__(self) -> str:
        """Return the record's reference."""
        return self.reference
