"""Addresses for machines; include them at the root."""

from django.urls import path

from workflow.operations.health import live, ready, working
from workflow.operations.metrics import metrics

urlpatterns = [
    path("metrics", metrics, name="metrics"),
    path("health/live", live, name="live"),
    path("health/ready", ready, name="ready"),
    path("health/working", working, name="working"),
]
