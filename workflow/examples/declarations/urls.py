"""Addresses of the pages; include them under `declarations/`."""

from __future__ import annotations

from django.urls import path

from workflow.examples.declarations.pages import listing, new, show

app_name = "declarations"

urlpatterns = [
    path("", listing.listing, name="list"),
    path("new", new.new, name="new"),
    path("<int:pk>/", show.show, name="show"),
]
