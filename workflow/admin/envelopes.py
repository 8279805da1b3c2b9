"""Requested transitions and how they fare."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from workflow.admin.attempts import AttemptsOfEnvelope
from workflow.admin.readonly import ReadOnly
from workflow.models import TransitionEnvelope


@admin.register(TransitionEnvelope)
class EnvelopeAdmin(ReadOnly):
    """Every envelope; its attempts below."""

    list_display = ("transition_id", "record", "transition", "state", "requested_at", "message")
    list_filter = ("state", "workflow", "origin")
    list_select_related = ("record",)
    search_fields = ("transition_id__exact", "record__reference__startswith", "correlation_id")
    ordering = ("-requested_at",)
    inlines: ClassVar = [AttemptsOfEnvelope]
