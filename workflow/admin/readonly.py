"""An admin page that shows and never changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

if TYPE_CHECKING:
    PageOfAny = admin.ModelAdmin[Any]
    RowsOfAny = admin.TabularInline[Any, Any]
else:  # generic for the type checker only
    PageOfAny = admin.ModelAdmin
    RowsOfAny = admin.TabularInline


class ReadOnly(PageOfAny):
    """Nobody adds, changes or deletes here, superusers included."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


class Rows(RowsOfAny):
    """Rows of a related table, below the page they belong to."""

    extra = 0
    can_delete = False
