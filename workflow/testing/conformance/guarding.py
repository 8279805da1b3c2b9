"""What triggers have to refuse, by whichever way it is tried."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db import connection, transaction

from audit import chain
from audit.models import Entry
from workflow.engine import clock
from workflow.models import Record, State, TransitionEnvelope, guards, uuid7
from workflow.testing.conformance.check import (
    GUARD,
    Check,
    NotNeeded,
    expect,
    fire,
    make_envelope,
    make_record,
    refused,
)


def guards_are_there() -> None:
    """Ask the catalogue for every trigger."""
    missing = guards.missing(connection)
    expect(not missing, f"{len(missing)} are missing after migrate: {', '.join(missing[:3])}")


def status_needs_an_envelope() -> None:
    """Change a status by the ORM and by SQL, without an envelope and with another's."""
    record = make_record()
    rows = Record.objects.filter(pk=record.pk)
    with refused("a change of status by the ORM", GUARD):
        rows.update(status="done")
    with refused("a change of status with a version", GUARD):
        rows.update(status="done", version=1)
    with refused("a change of status by SQL", GUARD), connection.cursor() as cursor:
        table, column = _names(Record, "status")
        cursor.execute(f"UPDATE {table} SET {column} = 'done'")  # noqa: S608  (names are quoted)
    other = fire(make_envelope(make_record()))
    with refused("a change of status by another record's envelope", GUARD):
        rows.update(status="done", version=1, last_transition=other)
    own = fire(make_envelope(record))
    rows.update(status="done", version=1, last_transition=own, status_since=clock.now())
    record.refresh_from_db()
    expect(record.status == "done", "a change by a fired envelope did not come about")


def entries_stay() -> None:
    """Update and delete an entry, by the ORM and by SQL."""
    entry = _entry()
    rows = Entry.objects.filter(pk=entry.pk)
    with refused("an update of an entry", GUARD):
        rows.update(actor="somebody else")
    with refused("a delete of an entry", GUARD):
        rows.delete()
    table, column = _names(Entry, "actor")
    for statement in (
        f"UPDATE {table} SET {column} = 'x'",  # noqa: S608  (names are quoted)
        f"DELETE FROM {table}",  # noqa: S608
    ):
        with refused(statement, GUARD), connection.cursor() as cursor:
            cursor.execute(statement)
    expect(rows.get().actor == entry.actor, "an entry was changed")


def entries_are_not_truncated() -> None:
    """Empty the trail at one stroke."""
    if connection.vendor == "sqlite":
        raise NotNeeded("SQLite has no TRUNCATE")
    table, _ = _names(Entry, "actor")
    _entry()
    with refused("TRUNCATE of the trail"), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE TABLE {table}")
    expect(Entry.objects.exists(), "the trail is empty")


def entries_are_not_replaced() -> None:
    """Write an entry over another."""
    if connection.vendor != "sqlite":
        raise NotNeeded("only SQLite has INSERT OR REPLACE")
    entry = _entry()
    table, column = _names(Entry, "actor")
    with refused("INSERT OR REPLACE of an entry", GUARD), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"  # noqa: S608
            f" WHERE {column} = %s",
            [entry.actor],
        )


def outcomes_stay() -> None:
    """Change what was asked, and how it ended."""
    envelope = make_envelope(make_record(), fence=3)
    rows = TransitionEnvelope.objects.filter(pk=envelope.pk)
    with refused("a change of what was asked", GUARD):
        rows.update(reason="another")
    with refused("a falling fence", GUARD):
        rows.update(fence=2)
    rows.update(state=State.CANCELLED, finished_at=clock.now(), due_at=None)
    with refused("a second outcome", GUARD):
        rows.update(state=State.WAITING, finished_at=None)
    with refused("a delete of an envelope", GUARD):
        rows.delete()


def _entry() -> Entry:
    name = uuid7()
    _append(name)
    return Entry.objects.get(chain=name)


def _append(name: UUID) -> None:
    with transaction.atomic():
        chain.append(
            [chain.Note(chain=name, at=clock.now(), action="tried", actor=f"c-{name.hex}")]
        )


def _names(model: type[Record | Entry], field: str) -> tuple[str, str]:
    quote: Callable[[str], str] = connection.ops.quote_name
    column = getattr(model._meta.get_field(field), "column", field)
    return quote(model._meta.db_table), quote(str(column))


CHECKS = (
    Check(
        name="guards in place",
        promise="`migrate` has made every trigger.",
        invariant="2, 6",
        act=guards_are_there,
    ),
    Check(
        name="status needs an envelope",
        promise="A status changes by a fired envelope of its own record, and by nothing else.",
        invariant="2",
        act=status_needs_an_envelope,
    ),
    Check(
        name="entries stay",
        promise="Entries of the trail are neither updated nor deleted.",
        invariant="6",
        act=entries_stay,
    ),
    Check(
        name="no truncate",
        promise="The trail is not emptied at one stroke.",
        invariant="6",
        act=entries_are_not_truncated,
    ),
    Check(
        name="no replace",
        promise="No entry is written over another.",
        invariant="6",
        act=entries_are_not_replaced,
    ),
    Check(
        name="outcomes stay",
        promise="What was asked, what came of it and the highest fence stay.",
        invariant="1, 4",
        act=outcomes_stay,
    ),
)
