"""Stops that people put in: nothing new is begun of what is paused, and nothing is lost."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """What a pause holds up."""

    WORKFLOW = "workflow", _("Workflow")
    TRANSITION = "transition", _("Transition")
    CHANNEL = "channel", _("Channel")


class PauseQuerySet(models.QuerySet["Pause"]):
    """Which pauses."""

    def in_force(self, *, now: datetime) -> Self:
        """Return those that hold things up."""
        return self.filter(lifted_at__isnull=True).exclude(until__lte=now)


class Pause(models.Model):
    """One stop, from whom, why and until when. Lifting it keeps the row."""

    scope = models.CharField(max_length=16, choices=Scope.choices)
    name = models.CharField(
        max_length=130, help_text="Workflow, `workflow.transition`, or channel."
    )
    reason = models.TextField()
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    paused_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True, help_text="Ends by itself at this time.")
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects = PauseQuerySet.as_manager()

    class Meta:
        """At most one that is not lifted for each thing."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["scope", "name"],
                condition=models.Q(lifted_at__isnull=True),
                name="pause_once",
            )
        ]

    def __str__(self) -> str:
        """Return what is paused."""
        return f"{self.scope} {self.name}"
