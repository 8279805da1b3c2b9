"""Addresses of the support pages; include them under `admin/`, before the admin's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http.response import HttpResponseBase
from django.urls import path
from django.views.decorators.cache import never_cache

from workflow.admin import acts, attention, channels, evidence, overview, past, redacting

app_name = "support"

View = Callable[..., HttpResponseBase]


def _staff(view: View) -> View:
    """Let staff in, as the admin does."""
    admitted: Any = admin.site.admin_view(never_cache(view))
    return admitted  # type: ignore[no-any-return]


urlpatterns = [
    path("", _staff(overview.overview), name="overview"),
    path("tables/", _staff(admin.site.index), name="tables"),
    path("attention/", _staff(attention.attention), name="attention"),
    path(
        "attention/<slug:workflow>/<slug:transition>/<slug:effect>/<str:code>/",
        _staff(attention.cause),
        name="cause",
    ),
    path("channels/", _staff(channels.channels), name="channels"),
    path("effects/<int:pk>/", _staff(acts.settle), name="settle"),
    path("bulk/", _staff(acts.choose), name="choose"),
    path("bulk/<uuid:pk>/", _staff(acts.run), name="bulk"),
    path("records/<uuid:pk>/ask/<slug:transition>/", _staff(acts.ask), name="ask"),
    path("records/<uuid:pk>/evidence/", _staff(evidence.evidence), name="evidence"),
    path("records/<uuid:pk>/as-of/", _staff(past.past), name="as-of"),
    path("records/<uuid:pk>/redact/", _staff(redacting.redacting), name="redact"),
    path("records/<uuid:pk>/reveal/", _staff(acts.reveal), name="reveal"),
    path("transitions/<uuid:pk>/<slug:act>/", _staff(acts.act), name="act"),
]
