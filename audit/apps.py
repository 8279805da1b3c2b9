"""The audit trail as a Django app."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _

from audit import reading, write_lock


class AuditConfig(AppConfig):
    """The trail: one table, and the rules of its chain."""

    name = "audit"
    verbose_name = _("Audit trail")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what listens, and have values read quickly."""
        reading.remember_times()
        connection_created.connect(reading.read_quickly, dispatch_uid="audit.reading")
        connection_created.connect(write_lock.wait_in_steps, dispatch_uid="audit.write_lock")
