"""The state of a channel, shared by all workers on all hosts."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Closed(models.TextChoices):
    """Why a channel lets no call through at the moment."""

    PAUSED = "paused", _("Paused by a person")
    CIRCUIT = "circuit", _("Circuit open: the downstream fails")
    PROBE = "probe", _("One probe is under way")
    BUSY = "busy", _("As many calls as allowed are under way")
    RATE = "rate", _("As many calls as allowed were made just now")


class Channel(models.Model):
    """One downstream's door. Limits are declared in code; a row may override them.

    `opens_at` sums up everything that may close it, so that the question "is anything due?" needs
    no more than one comparison. Whoever changes anything here holds the row's lock.
    """

    name = models.CharField(max_length=64, primary_key=True)
    opens_at = models.DateTimeField(
        null=True, blank=True, help_text="No call is begun before this time."
    )
    closed_by = models.CharField(max_length=16, choices=Closed.choices, blank=True)

    failures = models.PositiveIntegerField(default=0, help_text="Failed calls in a row.")
    openings = models.PositiveIntegerField(
        default=0, help_text="How often in a row the circuit opened."
    )
    retry_at = models.DateTimeField(
        null=True, blank=True, help_text="While the circuit is open: time of the next probe."
    )
    last_failure = models.TextField(blank=True)
    last_failed_at = models.DateTimeField(null=True, blank=True)

    tokens = models.FloatField(null=True, blank=True, help_text="Calls that the rate leaves.")
    tokens_at = models.DateTimeField(null=True, blank=True)

    concurrency = models.PositiveIntegerField(
        null=True, blank=True, help_text="Instead of the declared one."
    )
    rate = models.FloatField(null=True, blank=True, help_text="Calls a second, likewise.")

    class Meta:
        """By name."""

        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        """Return its name."""
        return self.name
