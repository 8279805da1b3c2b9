"""The trail, as it was written."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from audit.models import Entry
from audit.personal import revealed
from workflow.admin.readonly import ReadOnly


@admin.register(Entry)
class EntryAdmin(ReadOnly):
    """Every entry of every chain."""

    list_display = ("at", "chain", "sequence", "action", "actor", "old", "new", "reason")
    list_filter = ("action",)
    search_fields = ("chain__exact", "transition_id__exact", "correlation_id__exact")
    ordering = ("-id",)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Entry | None:
        """Return the entry as it reads; personal values are not looked up for the list."""
        entry = super().get_object(request, object_id, from_field)
        return None if entry is None else revealed([entry])[0]
