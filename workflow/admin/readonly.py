"""Admin pages that show and never change; our own pages in place of Django's lists and forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

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


class OwnPages(ReadOnly):
    """Shows a list and a page of our own, under the addresses that the admin has for them."""

    def listing(self, request: HttpRequest) -> HttpResponseBase:
        """Return the list."""
        raise NotImplementedError

    def page(self, request: HttpRequest, key: str) -> HttpResponseBase:
        """Return the page of one row.

        Raises:
            Http404: There is none.
        """
        raise NotImplementedError

    def changelist_view(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show the list to who may view such rows."""
        self._admit(request)
        return self.listing(request)

    def changeform_view(  # type: ignore[override]
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        """Show the page of one row to who may view it; nothing can be sent to it."""
        self._admit(request)
        if object_id is None or request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        return self.page(request, object_id)

    def _admit(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
