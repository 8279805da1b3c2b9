"""Guards that live in the database: no path round the engine, whoever holds the connection.

The engine's rules hold for those who call the engine. A bulk update, a shell, a migration, a SQL
console do not. So the rules that must never break are kept by the database itself, as triggers: a
status changes only by an envelope fired for just that change, what was asked and what was settled
stays as it is, the trail and the histories are only ever inserted into (`rules`). The same rules
are written once for each vendor, in its own words (`sqlite`, `postgresql`, `mssql`).

They hold against whoever may write rows. Who may alter tables can drop a trigger; `missing` tells,
and the chain of the trail shows what was done meanwhile. So let the application's database role
own nothing, and migrate under another.

Guards are no migrations: which tables there are to guard is known only once every app, the
adopter's included, has its own; and SQLite drops a table's triggers whenever Django rebuilds it.
They are put back after every `migrate`. What is in place and unaltered is left alone, so that a
routine `migrate` takes no lock on a busy table.
"""

# Every name in this SQL is a model's, and quoted.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Protocol

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from workflow.models.envelope import TransitionEnvelope
from workflow.models.guards import mssql, postgresql, sqlite
from workflow.models.guards.derivation import derive, guarded
from workflow.models.guards.guard import Guard, Names
from workflow.models.guards.rules import PREFIX, Rule
from workflow.models.record import Record

__all__ = ["install", "make_way", "missing", "remove"]


class _Vendor(Protocol):
    """What a vendor's module offers."""

    @property
    def PRELUDE(self) -> tuple[str, ...]:  # noqa: N802  (a module's constant)
        """Statements that the guards build upon."""

    @property
    def FOUND(self) -> str:  # noqa: N802  (a module's constant)
        """The query for each guard there is: its name, its definition, how to drop it."""

    def guards(self, rule: Rule, names: Names) -> Iterator[Guard]:
        """Yield the guards that hold a rule."""


_VENDORS: dict[str, _Vendor] = {
    "sqlite": sqlite,
    "postgresql": postgresql,
    "microsoft": mssql,
}


def install(connection: BaseDatabaseWrapper) -> None:
    """Put every guard in its place whose table exists. Safe to repeat.

    Each one commits by itself, replacing its predecessor without a gap: a transaction that held
    locks on several tables at once could deadlock with the workers of a running release.
    """
    lacking = _lacking(connection)
    if lacking:
        _execute(connection, _vendor(connection).PRELUDE)
    for guard in lacking:
        _execute(connection, guard.create)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take away every guard, those of earlier releases too. Safe to repeat.

    For tests.
    """
    _execute(connection, [drop for _, _, drop in _found(connection)])


def make_way(connection: BaseDatabaseWrapper, *, labels: Collection[str]) -> None:
    """Take away the guards that would stop these apps' migrations; call before they run.

    SQLite refuses to rename a rebuilt envelope table into its place while the record's trigger
    asks for a table that is gone for the moment, and PostgreSQL refuses to alter the type of a
    column that a trigger watches. Only the guards of records and envelopes name columns, so
    nothing happens unless this app migrates, and trail, attempts and histories stay guarded.
    `install` afterwards.
    """
    if Record._meta.app_label not in labels:
        return
    tables = (Record._meta.db_table, TransitionEnvelope._meta.db_table)
    prefixes = tuple(f"{PREFIX}_{table}_" for table in tables)
    drops = [drop for name, _, drop in _found(connection) if name.startswith(prefixes)]
    _execute(connection, drops)


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the guards that should be there and are not, or not as they were made.

    A disabled one is missing; so is one whose definition has been replaced.
    """
    return sorted(guard.name for guard in _lacking(connection))


def _lacking(connection: BaseDatabaseWrapper) -> list[Guard]:
    found = {name: definition for name, definition, _ in _found(connection)}
    return [
        guard
        for guard in _wanted(connection)
        if not all(mark in found.get(guard.name, "") for mark in guard.marks)
    ]


def _wanted(connection: BaseDatabaseWrapper) -> list[Guard]:
    vendor = _vendor(connection)
    with connection.cursor() as cursor:
        columns = _columns(connection, cursor)
        schema = ""
        if connection.vendor == "postgresql":
            cursor.execute("SELECT current_schema()")
            (schema,) = cursor.fetchone()
    names = Names.of(connection, schema)
    return [guard for rule in derive(connection, columns) for guard in vendor.guards(rule, names)]


def _columns(connection: BaseDatabaseWrapper, cursor: CursorWrapper) -> dict[str, frozenset[str]]:
    """Return the columns of the guarded tables that exist.

    An empty select names them ten times as fast as the introspection, which parses constraints.
    """
    existing = set(connection.introspection.table_names(cursor))
    columns = {}
    for model in guarded(connection.alias):
        table = model._meta.db_table
        if table in existing:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} WHERE 1 = 0")
            columns[table] = frozenset(column[0] for column in cursor.description)
    return columns


def _found(connection: BaseDatabaseWrapper) -> list[tuple[str, str, str]]:
    """Return name, definition, and the statement that drops it, for each guard there is."""
    with connection.cursor() as cursor:
        cursor.execute(_vendor(connection).FOUND)
        return [(name, definition or "", drop) for name, definition, drop in cursor.fetchall()]


def _execute(connection: BaseDatabaseWrapper, statements: Iterable[str]) -> None:
    """Execute them in one transaction."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _vendor(connection: BaseDatabaseWrapper) -> _Vendor:
    try:
        return _VENDORS[connection.vendor]
    except KeyError:
        known = ", ".join(_VENDORS)
        raise ImproperlyConfigured(
            f"There are no guards for {connection.vendor}; use one of {known}."
        ) from None
