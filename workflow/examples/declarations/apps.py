"""The example as a Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class DeclarationsConfig(AppConfig):
    """Travel-expense declarations and the roles that handle them."""

    name = "workflow.examples.declarations"
    label = "declarations"
    verbose_name = _("Declarations")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """See that the roles exist after every migrate."""
        from workflow.examples.declarations import roles  # noqa: PLC0415  (needs loaded apps)
        from workflow.examples.declarations.benchmark import workflow  # noqa: PLC0415

        workflow.register()
        post_migrate.connect(roles.after_migrate, sender=self)
