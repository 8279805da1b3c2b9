"""Declarations in the admin: what belongs to the engine is shown, not edited."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from workflow.admin.history import TrackedHistory
from workflow.examples.declarations.models import Declaration

_EDITABLE = ("purpose", "expense_date", "receipts", "budget_number", "cost_centre")


@admin.register(Declaration)
class DeclarationAdmin(TrackedHistory):
    """New ones are made by `engine.start`, and none is ever deleted."""

    list_display = ("number", "claimant", "amount", "currency", "status_label")
    list_select_related = ("record", "claimant")
    list_filter = ("record__status",)
    search_fields = ("number", "purpose", "record__reference")

    def get_readonly_fields(
        self,
        request: HttpRequest,
        obj: Declaration | None = None,
    ) -> list[str]:
        """Return all but what a clerk may correct."""
        shown = [field.name for field in Declaration._meta.fields if field.name not in _EDITABLE]
        return ["status_label", *shown]

    def has_add_permission(
        self,
        request: HttpRequest,
    ) -> bool:
        """Refuse: a row made here would have no record."""
        return False

    def has_delete_permission(
        self,
        request: HttpRequest,
        obj: Declaration | None = None,
    ) -> bool:
        """Refuse: the trail refers to it for ever."""
        return False
