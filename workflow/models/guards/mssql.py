"""The guards in SQL Server's words. Its triggers see a statement's rows as two sets.

Two ways to refuse, by what a caller may do next:

- *UPDATE and DELETE that are always wrong* are replaced (`INSTEAD OF`) by an error. Nothing was
  written, so nothing needs undoing, and the transaction lives on as it does on the other
  databases. RAISERROR, because THROW inside a trigger ends the transaction.
- *An INSERT or UPDATE that is wrong only with these values* has to happen first (`AFTER`;
  `INSTEAD OF` would have to repeat the statement). It must then be undone, and a trigger cannot
  undo it alone: THROW ends the whole transaction. RAISERROR would report the error and leave the
  forbidden status in place, for whoever catches the error to commit. What THROW costs: Django
  learns of an error and not of the ended transaction. Its savepoints survive that (the backend
  asks @@TRANCOUNT first), but who catches the error inside an outer `atomic()` and goes on writes
  in a new transaction, alone. So let it pass out of the outermost `atomic()`; it is a fault in a
  program, never a lost race.

TRUNCATE fires no trigger. It is refused on a table that a foreign key points to, even from an
empty table: records and envelopes have such keys by nature, each append-only table gets an empty
*anchor* table that points to it. This stops accidents; TRUNCATE needs ALTER permission, and who
has that can drop the anchor and the triggers too. BULK INSERT without FIRE_TRIGGERS needs it as
well, and skips the two INSERT guards. What really holds is a database role without ALTER.

To such a role the server shows neither triggers nor their text: grant it VIEW DEFINITION, or it
sees every guard as missing.

Texts are compared as bytes: to the default collation `Paid`, `PAID` and `paid ` are one.

SQL Server forbids INSERT with OUTPUT but no INTO on a table with an INSERT trigger. mssql-django
writes that only to fetch generated keys, and only under its option `return_rows_bulk_insert`;
single rows ask SCOPE_IDENTITY. The tables with INSERT triggers here make their keys in Python.
`SET NOCOUNT ON` inside a trigger ends with it, and keeps the row counts that claims are judged by.
"""

# Every name in this SQL is a model's, and quoted.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workflow.models.guards.guard import Guard, Names, text
from workflow.models.guards.rules import (
    AppendOnly,
    EnvelopeGuard,
    LedgerGuard,
    Rule,
    StatusGuard,
    Table,
)

PRELUDE: tuple[str, ...] = ()

FOUND = """
    SELECT t.name,
           CASE WHEN t.is_disabled = 1 THEN 'disabled' ELSE OBJECT_DEFINITION(t.object_id) END,
           'DROP TRIGGER ' + QUOTENAME(t.name)
    FROM sys.triggers AS t
    INNER JOIN sys.tables AS guarded ON guarded.object_id = t.parent_id
    WHERE t.name LIKE 'escapement[_]%' AND guarded.schema_id = SCHEMA_ID()
    UNION ALL
    SELECT fk.name,
           'REFERENCES ' + QUOTENAME(OBJECT_NAME(fk.referenced_object_id)),
           'DROP TABLE ' + QUOTENAME(anchor.name)
    FROM sys.foreign_keys AS fk
    INNER JOIN sys.tables AS anchor ON anchor.object_id = fk.parent_object_id
    WHERE fk.name LIKE 'escapement[_]%[_]truncate'
      AND anchor.name LIKE 'escapement[_]%[_]anchor'
      AND anchor.schema_id = SCHEMA_ID()
"""

_ERROR = 51000
"""Number of a refusal that ends the transaction; user errors start at 50000."""


def guards(rule: Rule, names: Names) -> Iterator[Guard]:
    """Yield the triggers that hold the rule, and the anchor where TRUNCATE needs one."""
    match rule:
        case AppendOnly(table=table):
            event = "INSTEAD OF UPDATE, DELETE"
            yield _instead(names, table, "append_only", event, rule.message)
            yield _anchor(names, table)
        case StatusGuard():
            yield from _record(rule, names)
        case EnvelopeGuard():
            yield from _ledger(rule, names)
            yield _unborn(rule, names)
        case LedgerGuard():
            yield from _ledger(rule, names)


def _record(rule: StatusGuard, names: Names) -> Iterator[Guard]:
    table, envelope, quote = rule.table, rule.envelope, names.quote
    version, last = quote(rule.version), quote(rule.last_transition)
    target = _exact("e", envelope.table, envelope.target, names)
    status = _exact("n", table, rule.status, names)
    unexplained = f"""{_changed(table, rule.moving, names)}
        AND NOT EXISTS (
            SELECT 1 FROM {quote(envelope.table.name)} AS e
            WHERE e.{quote(envelope.table.key)} = n.{last}
            AND e.{quote(envelope.record)} = n.{quote(table.key)}
            AND e.{quote(envelope.state)} = N{text(envelope.fired)}
            AND {target} = {status}
            AND e.{quote(envelope.resulting_version)} = n.{version}
            AND n.{version} = o.{version} + 1
            AND (o.{last} IS NULL OR o.{last} <> n.{last})
        )"""
    yield _after_update(
        names, table, "status", rule.moving, wrong=unexplained, message=rule.unfired
    )
    yield _fixed(names, table, rule.fixed, rule.renamed)
    born_moved = f"n.{version} <> 0 OR n.{last} IS NOT NULL"
    yield _after_insert(names, table, born_moved, rule.unborn)
    yield _instead(names, table, "delete", "INSTEAD OF DELETE", table.undeletable)


def _ledger(rule: LedgerGuard, names: Names) -> Iterator[Guard]:
    table, quote = rule.table, names.quote
    state, fence = quote(rule.state), quote(rule.fence)
    yield _fixed(names, table, rule.fixed, rule.rewritten)
    final = ", ".join(f"N{text(each)}" for each in rule.final)
    resettled = f"o.{state} IN ({final})\n        AND {_changed(table, rule.outcome, names)}"
    yield _after_update(
        names, table, "settled", rule.outcome, wrong=resettled, message=rule.resettled
    )
    falls = f"n.{fence} < o.{fence}"
    yield _after_update(names, table, "fence", (rule.fence,), wrong=falls, message=rule.fallen)
    yield _instead(names, table, "delete", "INSTEAD OF DELETE", table.undeletable)


def _unborn(rule: EnvelopeGuard, names: Names) -> Guard:
    state, made = names.quote(rule.state), names.quote(rule.resulting_version)
    born_fired = f"n.{state} = N{text(rule.fired)} OR n.{made} IS NOT NULL"
    return _after_insert(names, rule.table, born_fired, rule.unborn)


def _fixed(names: Names, table: Table, columns: tuple[str, ...], message: str) -> Guard:
    """Return the guard of the columns that never change.

    The key is refused by its mere mention: an update that swaps two rows' keys leaves the set of
    keys as it was, and old and new rows can be matched by nothing else.
    """
    others = tuple(column for column in columns if column != table.key)
    return _trigger(
        names,
        table,
        "fixed",
        "AFTER UPDATE",
        f"""    IF UPDATE({names.quote(table.key)}) AND EXISTS (SELECT 1 FROM inserted)
        THROW {_ERROR}, {_message(message)}, 1;
{_refuse_update(names, table, others, _changed(table, others, names), message)}""",
    )


def _after_update(
    names: Names, table: Table, what: str, columns: tuple[str, ...], *, wrong: str, message: str
) -> Guard:
    body = _refuse_update(names, table, columns, wrong, message)
    return _trigger(names, table, what, "AFTER UPDATE", body)


def _refuse_update(
    names: Names, table: Table, columns: tuple[str, ...], wrong: str, message: str
) -> str:
    """Return statements that refuse the wrong ones among the rows whose columns were set."""
    key = names.quote(table.key)
    mentioned = " OR ".join(f"UPDATE({names.quote(column)})" for column in columns)
    return f"""    IF NOT ({mentioned}) RETURN;
    IF EXISTS (
        SELECT 1 FROM inserted AS n INNER JOIN deleted AS o ON o.{key} = n.{key}
        WHERE {wrong}
    )
        THROW {_ERROR}, {_message(message)}, 1;"""


def _after_insert(names: Names, table: Table, wrong: str, message: str) -> Guard:
    body = f"""    IF EXISTS (SELECT 1 FROM inserted AS n WHERE {wrong})
        THROW {_ERROR}, {_message(message)}, 1;"""
    return _trigger(names, table, "insert", "AFTER INSERT", body)


def _instead(names: Names, table: Table, what: str, event: str, message: str) -> Guard:
    """Return a guard that speaks up only where there was a row, as row triggers elsewhere do."""
    body = f"    IF EXISTS (SELECT 1 FROM deleted) RAISERROR({_message(message)}, 16, 1);"
    return _trigger(names, table, what, event, body)


def _trigger(names: Names, table: Table, what: str, event: str, body: str) -> Guard:
    """Return the trigger. The server keeps its text, all but the words before its name."""
    name = names.guard(table.name, what)
    definition = (
        f"{names.quote(name)} ON {names.quote(table.name)} {event} AS\n"
        f"BEGIN\n    SET NOCOUNT ON;\n{body}\nEND"
    )
    create = f"CREATE OR ALTER TRIGGER {definition}"
    return Guard(name=name, create=(create,), marks=(definition,))


def _anchor(names: Names, table: Table) -> Guard:
    """Return the empty table whose foreign key makes the server refuse TRUNCATE."""
    quote = names.quote
    anchor, key = names.guard(table.name, "anchor"), names.guard(table.name, "truncate")
    references = f"REFERENCES {quote(table.name)}"
    create = (
        f"IF OBJECT_ID(N{text(quote(anchor))}, N'U') IS NULL"
        f" CREATE TABLE {quote(anchor)} ([anchored] {table.types[table.key]} NULL,"
        f" CONSTRAINT {quote(key)} FOREIGN KEY ([anchored])"
        f" {references} ({quote(table.key)}))"
    )
    return Guard(name=key, create=(create,), marks=(references,))


def _changed(table: Table, columns: Sequence[str], names: Names) -> str:
    """Say that a row's columns differ, nulls and letter case included."""
    new = ", ".join(_exact("n", table, column, names) for column in columns)
    old = ", ".join(_exact("o", table, column, names) for column in columns)
    return f"EXISTS (SELECT {new} EXCEPT SELECT {old})"


def _exact(row: str, table: Table, column: str, names: Names) -> str:
    value = f"{row}.{names.quote(column)}"
    is_text = "char" in table.types[column]
    return f"CAST({value} AS varbinary(max))" if is_text else value


def _message(message: str) -> str:
    return f"N{text(message.replace('%', '%%'))}"
