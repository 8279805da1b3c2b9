"""Addresses of the desk."""

from __future__ import annotations

from django.urls import path

from workflow.pages import desk, inbox

app_name = "desk"

urlpatterns = [
    path("", inbox.show, name="inbox"),
    path("bulk/", desk.choose, name="bulk"),
    path("bulk/<uuid:pk>/", desk.run, name="run"),
    path("records/<uuid:pk>/", desk.record, name="record"),
    path("records/<uuid:pk>/<slug:transition>/", desk.ask, name="ask"),
    path("transitions/<uuid:pk>/", desk.envelope, name="envelope"),
]
