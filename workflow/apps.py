"""The engine as a Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import autodiscover_modules

from workflow.engine import tracing


class WorkflowConfig(AppConfig):
    """Finds every app's `workflows` module, and keeps the database's guards in place."""

    name = "workflow"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load the definitions, the checks and the hooks after migrations."""
        from audit.verify import witness  # noqa: PLC0415
        from workflow import checks, migrated  # noqa: F401,PLC0415  (need loaded models)
        from workflow.evidence.witness import Records  # noqa: PLC0415

        witness.register(Records())
        autodiscover_modules("workflows")
        pre_migrate.connect(migrated.before_migrate, sender=self)
        post_migrate.connect(migrated.after_migrate, sender=self)
        if settings.ESCAPEMENT.get("TRACES_TO"):
            _connect_telemetry()


def _connect_telemetry() -> None:
    try:
        from workflow.telemetry import OpenTelemetry  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed:"
            " pip install 'escapement[otel]'"
        ) from error
    tracing.connect(OpenTelemetry())
