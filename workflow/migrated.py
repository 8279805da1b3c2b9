"""What every `migrate` takes away and leaves in place: guards, the known definitions, groups."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.migrations import Migration

from workflow import roles
from workflow.effects import channels
from workflow.engine import definitions
from workflow.models import guards


def before_migrate(*, using: str, plan: list[tuple[Migration, bool]], **_: Any) -> None:
    """Take away the guards that would stop the planned migrations."""
    labels = {migration.app_label for migration, _backwards in plan}
    guards.make_way(connections[using], labels=labels)


def after_migrate(*, using: str, **_: Any) -> None:
    """Install the triggers anew (a rebuilt SQLite table loses its own) and note definitions."""
    guards.install(connections[using])
    definitions.note(using=using)
    roles.make_groups(using=using)
    channels.ensure(using=using)
