"""Running clusters, as they report themselves."""

from __future__ import annotations

from django.db import models


class Cluster(models.Model):
    """One `manage.py work`: a row it refreshes while it lives, so that pages can tell who works.

    Nothing decides by it; leases and fences do.
    """

    name = models.CharField(
        max_length=100, primary_key=True, help_text="Host, process and start; prefix of workers."
    )
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    workers = models.PositiveSmallIntegerField()
    restarts = models.PositiveIntegerField(default=0)
    stopped_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        """Return its name."""
        return self.name
