"""The trail, as it was written."""

from __future__ import annotations

from django.contrib import admin

from audit.models import Entry
from workflow.admin.readonly import ReadOnly


@admin.register(Entry)
class EntryAdmin(ReadOnly):
    """Every entry of every chain."""

    list_display = ("at", "chain", "sequence", "action", "actor", "old", "new", "reason")
    list_filter = ("action",)
    search_fields = ("chain__exact", "transition_id__exact", "correlation_id__exact")
    ordering = ("-id",)
