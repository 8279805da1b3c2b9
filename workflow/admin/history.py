"""django-simple-history's pages for tracked models: to be looked at, never to go back by."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from simple_history.admin import SimpleHistoryAdmin


class TrackedHistory(SimpleHistoryAdmin):  # type: ignore[misc]  # it has no types
    """Admin of a tracked model whose history can be read and not restored, by superusers either.

    Restoring an old row would put back what transitions have written since, behind their back.
    """

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say so, which takes the button away."""
        return True

    def history_form_view(
        self,
        request: HttpRequest,
        object_id: str,
        version_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a row as it was; refuse what a forged form would restore."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied(_("Old values are not put back; correct the fields instead."))
        shown: HttpResponse = super().history_form_view(
            request, object_id, version_id, extra_context
        )
        return shown
