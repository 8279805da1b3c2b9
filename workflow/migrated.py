"""What every `migrate` leaves in place: the database's own guards, and the known definitions."""

from __future__ import annotations

from typing import Any

from django.db import connections

from workflow.engine import definitions
from workflow.models import guards


def after_migrate(*, using: str, **_: Any) -> None:
    """Install the triggers anew (a rebuilt SQLite table loses its own) and note definitions."""
    guards.install(connections[using])
    definitions.note(using=using)
