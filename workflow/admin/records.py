"""Records and where they stand."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from workflow.admin.readonly import ReadOnly, Rows
from workflow.models import Record, TransitionEnvelope


class EnvelopesOfRecord(Rows):
    """What was asked of a record."""

    model = TransitionEnvelope
    fields = ("transition", "target", "state", "actor_label", "reason", "requested_at", "message")
    readonly_fields = fields
    ordering = ("requested_at",)
    show_change_link = True


@admin.register(Record)
class RecordAdmin(ReadOnly):
    """Every record of every workflow."""

    list_display = ("reference", "workflow", "status", "version", "status_since")
    list_filter = ("workflow", "status")
    search_fields = ("reference__startswith", "id__exact")
    ordering = ("-status_since",)
    inlines: ClassVar = [EnvelopesOfRecord]
