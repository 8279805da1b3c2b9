"""The engine as a Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import autodiscover_modules


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
