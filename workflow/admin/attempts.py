"""Attempts, on the page of their envelope."""

from __future__ import annotations

from workflow.admin.readonly import Rows
from workflow.models import Attempt


class AttemptsOfEnvelope(Rows):
    """Each time a worker took it up."""

    model = Attempt
    fields = ("fence", "worker", "started_at", "ended_at", "ending", "code", "message")
    readonly_fields = fields
    ordering = ("fence",)
