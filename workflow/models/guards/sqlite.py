"""The guards in SQLite's words.

`INSERT OR REPLACE` and `UPDATE OR REPLACE` remove the rows in their way, and unless the connection
has set `recursive_triggers` no DELETE trigger hears of it. So every key that could be collided
with, conditional ones included, is looked up before the row is written. (`INSERT OR IGNORE` of an
existing key is therefore refused as well, not ignored.)

A table whose primary key is no integer has a hidden one, the `rowid`, by which it can be collided
with just as well.

A new row's automatic key is not known yet to a trigger that runs before the insert; SQLite shows
-1, which finds nothing.
"""

# Every name in this SQL is a model's, and quoted.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator

from workflow.models.guards import conditions
from workflow.models.guards.guard import Guard, Names, text
from workflow.models.guards.rules import (
    AppendOnly,
    EnvelopeGuard,
    Key,
    LedgerGuard,
    Rule,
    StatusGuard,
    Table,
)

PRELUDE: tuple[str, ...] = ()

FOUND = """
    SELECT name, sql, 'DROP TRIGGER "' || replace(name, '"', '""') || '"'
    FROM sqlite_master
    WHERE type = 'trigger' AND name LIKE 'escapement\\_%' ESCAPE '\\'
"""


def guards(rule: Rule, names: Names) -> Iterator[Guard]:
    """Yield the triggers that hold the rule."""
    match rule:
        case AppendOnly(table=table):
            yield _trigger(names, table, "update", "UPDATE", message=rule.message)
            yield _trigger(names, table, "delete", "DELETE", message=rule.message)
            yield _irreplaceable_by_insert(names, table)
        case StatusGuard():
            yield from _record(rule, names)
        case EnvelopeGuard():
            yield from _ledger(rule, names)
            yield _unborn(rule, names)
        case LedgerGuard():
            yield from _ledger(rule, names)


def _record(rule: StatusGuard, names: Names) -> Iterator[Guard]:
    table = rule.table
    moves = (
        f"{conditions.changed(rule.moving, names)}"
        f" AND {conditions.moved_by_envelope(rule, names)} IS NOT TRUE"
    )
    moving = f"UPDATE OF {names.columns(rule.moving)}"
    yield _trigger(names, table, "status", moving, when=moves, message=rule.unfired)
    yield _fixed(names, table, rule.fixed, rule.renamed)
    born_moved = conditions.born_moved(rule, names)
    yield _trigger(names, table, "insert", "INSERT", when=born_moved, message=rule.unborn)
    yield from _irremovable(names, table)


def _ledger(rule: LedgerGuard, names: Names) -> Iterator[Guard]:
    table = rule.table
    yield _fixed(names, table, rule.fixed, rule.rewritten)
    outcome = f"UPDATE OF {names.columns(rule.outcome)}"
    resettled = conditions.resettled(rule, names)
    yield _trigger(names, table, "settled", outcome, when=resettled, message=rule.resettled)
    fence = f"UPDATE OF {names.quote(rule.fence)}"
    falls = conditions.fence_falls(rule, names)
    yield _trigger(names, table, "fence", fence, when=falls, message=rule.fallen)
    yield from _irremovable(names, table)


def _unborn(rule: EnvelopeGuard, names: Names) -> Guard:
    born_fired = conditions.born_fired(rule, names)
    return _trigger(names, rule.table, "insert", "INSERT", when=born_fired, message=rule.unborn)


def _irremovable(names: Names, table: Table) -> Iterator[Guard]:
    yield _trigger(names, table, "delete", "DELETE", message=table.undeletable)
    yield _irreplaceable_by_insert(names, table)
    yield _irreplaceable_by_update(names, table)
    renumbered = "NEW.rowid IS NOT OLD.rowid"
    yield _trigger(names, table, "rowid", "UPDATE", when=renumbered, message=table.irreplaceable)


def _fixed(names: Names, table: Table, columns: tuple[str, ...], message: str) -> Guard:
    event = f"UPDATE OF {names.columns(columns)}"
    return _trigger(
        names, table, "fixed", event, when=conditions.changed(columns, names), message=message
    )


def _irreplaceable_by_insert(names: Names, table: Table) -> Guard:
    taken = " OR ".join(_taken(names, table, key) for key in table.unique)
    if table.types[table.key] != "integer":
        taken += f" OR EXISTS (SELECT 1 FROM {names.quote(table.name)} WHERE rowid = NEW.rowid)"
    return _trigger(names, table, "replace", "INSERT", when=taken, message=table.irreplaceable)


def _irreplaceable_by_update(names: Names, table: Table) -> Guard:
    """Return the guard of the keys that an update may move onto another row's place.

    The primary key is fixed, so it tells the other rows from this one.
    """
    keys = [key for key in table.unique if key.columns != (table.key,)]
    watched = {column for key in keys for column in (*key.columns, *key.condition_columns)}
    other = f"{names.quote(table.key)} IS NOT OLD.{names.quote(table.key)}"
    taken = " OR ".join(_taken(names, table, key, other) for key in keys)
    event = f"UPDATE OF {names.columns(sorted(watched))}"
    return _trigger(
        names, table, "replace_by_update", event, when=taken, message=table.irreplaceable
    )


def _taken(names: Names, table: Table, key: Key, other: str = "") -> str:
    """Return the condition that a row holds the new row's key already.

    A conditional key holds only between rows that both meet its condition. It is written for a
    table's own columns; the new row stands for a table of one row. That takes a while, so the
    other row, which is hardly ever there, is looked for first.
    """
    quote = names.quote
    same = [f"{quote(column)} = NEW.{quote(column)}" for column in key.columns]
    held = " AND ".join(part for part in (*same, key.condition, other) if part)
    found = f"EXISTS (SELECT 1 FROM {quote(table.name)} WHERE {held})"
    if not key.condition:
        return found
    row = ", ".join(f"NEW.{quote(each)} AS {quote(each)}" for each in key.condition_columns)
    return f"({found} AND EXISTS (SELECT 1 FROM (SELECT {row}) WHERE {key.condition}))"


def _trigger(
    names: Names, table: Table, what: str, event: str, *, when: str = "", message: str
) -> Guard:
    name = names.guard(table.name, what)
    condition = f"\nWHEN {when}" if when else ""
    create = (
        f"CREATE TRIGGER {names.quote(name)} BEFORE {event} ON {names.quote(table.name)}"
        f"{condition}\nBEGIN SELECT RAISE(ABORT, {text(message)}); END"
    )
    drop = f"DROP TRIGGER IF EXISTS {names.quote(name)}"
    return Guard(name=name, create=(drop, create), marks=(create,))
