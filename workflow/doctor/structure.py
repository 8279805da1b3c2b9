"""What the database itself is to hold: its guards, its unique constraints, its channels' rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.apps import apps
from django.db import connection
from django.db.models import UniqueConstraint

from workflow.definition import registry
from workflow.doctor import trail
from workflow.doctor.finding import Finding
from workflow.effects import channels
from workflow.engine import definitions
from workflow.models import Channel, guards


def look() -> Iterator[Finding]:
    """Yield what is not there. Reads the catalogue, and three small tables."""
    missing = guards.missing(connection)
    if missing:
        yield Finding(
            code="guards_missing",
            what=f"{len(missing)} guards are missing, switched off or altered: changes that no"
            " envelope made, and changes of the trail, would pass unseen.",
            repair="Put them back (`manage.py migrate` does), then run `manage.py doctor --full`:"
            " it shows what was changed meanwhile. Find out who could drop them.",
            examples=tuple(missing[:5]),
            mend=mend_guards,
        )
    lost = _lost_constraints()
    if lost:
        yield Finding(
            code="constraints_missing",
            what=f"{len(lost)} unique constraints are missing: two requests under one id, or two"
            " in flight for one record, would both be taken.",
            repair="Stop the workers, look for duplicates, and add them as the migrations have"
            " them (`manage.py sqlmigrate workflow 0001`).",
            examples=tuple(lost[:5]),
        )
    yield from _definitions()
    unknown = sorted(
        set(registry.channels()).difference(Channel.objects.values_list("pk", flat=True))
    )
    if unknown:
        yield Finding(
            code="channels_missing",
            what="Declared channels have no row, and nobody delivers on a channel without one.",
            repair="Make the rows (`manage.py migrate` does).",
            examples=tuple(unknown[:5]),
            mend=mend_channels,
        )


def _definitions() -> Iterator[Finding]:
    changed = definitions.changed()
    if changed:
        yield Finding(
            code="definition_changed",
            what="The meaning of versions has changed that envelopes are pinned to.",
            repair="Restore it, and declare the new meaning under the next version.",
            examples=tuple(changed[:5]),
        )
    vanished = definitions.vanished()
    if vanished:
        yield Finding(
            code="definition_vanished",
            what="Live records need what no code declares any more; they stand still.",
            repair="Bring it back until they are done, or run a worker of the release that has"
            " it.",
            examples=tuple(vanished[:5]),
        )


def _lost_constraints() -> list[str]:
    lost = []
    with connection.cursor() as cursor:
        for label in ("audit", "workflow"):
            for model in apps.get_app_config(label).get_models():
                table = model._meta.db_table
                found = connection.introspection.get_constraints(cursor, table)
                if not any(each["primary_key"] for each in found.values()):
                    lost.append(f"primary key of {table}")
                unique = {name for name, each in found.items() if each["unique"]}
                lost += [
                    each.name
                    for each in model._meta.constraints
                    if isinstance(each, UniqueConstraint) and each.name not in unique
                ]
    return lost


def mend_guards(*, by: str, now: datetime) -> int:
    """Put the guards back."""
    missing = guards.missing(connection)
    guards.install(connection)
    trail.enter(by=by, now=now, action="guards_restored", evidence={"guards": missing})
    return len(missing)


def mend_channels(*, by: str, now: datetime) -> int:
    """Make the rows of declared channels."""
    before = set(Channel.objects.values_list("pk", flat=True))
    channels.ensure()
    made = sorted(set(registry.channels()) - before)
    trail.enter(by=by, now=now, action="channels_made", evidence={"channels": made})
    return len(made)
