"""The guards in PostgreSQL's words.

`UPDATE OF` and `WHEN` are judged before any function is called, so what the engine does all day
(claims, leases, settling) costs next to nothing; only a change of status calls the function that
looks for its envelope, once a row (measured: 5 to 10 µs; one statement trigger over transition
tables took twice that for 500 rows).

The function that looks names its table in full and has a search path of its own: otherwise a
temporary table called like the envelopes' would be believed.

A refusal is SQLSTATE P0001 and not an integrity error: nobody who catches a lost race shall catch
this.
"""

from __future__ import annotations

from collections.abc import Iterator

from workflow.models.guards import conditions
from workflow.models.guards.guard import Guard, Names, fingerprint, text
from workflow.models.guards.rules import (
    PREFIX,
    AppendOnly,
    EnvelopeGuard,
    LedgerGuard,
    Rule,
    StatusGuard,
    Table,
)

REFUSE = f"{PREFIX}_refuse"
_REFUSAL = "BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END"
_SAFE = "LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp"

PRELUDE = (
    f"CREATE OR REPLACE FUNCTION {REFUSE}() RETURNS trigger {_SAFE} AS $refuse${_REFUSAL}$refuse$",
)

FOUND = """
    SELECT t.tgname,
           CASE WHEN t.tgenabled IN ('O', 'A') THEN pg_get_triggerdef(t.oid) || p.prosrc
                ELSE 'disabled' END,
           format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE NOT t.tgisinternal
      AND t.tgname LIKE 'escapement\\_%'
      AND c.relnamespace = current_schema()::regnamespace
"""


def guards(rule: Rule, names: Names) -> Iterator[Guard]:
    """Yield the triggers that hold the rule."""
    match rule:
        case AppendOnly(table=table):
            rows = "BEFORE UPDATE OR DELETE"
            yield _trigger(names, table, "append_only", rows, message=rule.message)
            yield _truncate(names, table, rule.message)
        case StatusGuard():
            yield from _record(rule, names)
        case EnvelopeGuard():
            yield from _ledger(rule, names)
            yield _unborn(rule, names)
        case LedgerGuard():
            yield from _ledger(rule, names)


def _record(rule: StatusGuard, names: Names) -> Iterator[Guard]:
    table = rule.table
    yield _status(rule, names)
    yield _fixed(names, table, rule.fixed, rule.renamed)
    born_moved = conditions.born_moved(rule, names)
    yield _trigger(names, table, "insert", "BEFORE INSERT", when=born_moved, message=rule.unborn)
    yield _trigger(names, table, "delete", "BEFORE DELETE", message=table.undeletable)
    yield _truncate(names, table, table.undeletable)


def _status(rule: StatusGuard, names: Names) -> Guard:
    """Return the one guard that has to look into another table, with its function."""
    body = f"""BEGIN
    IF {conditions.moved_by_envelope(rule, names)} IS NOT TRUE THEN
        RAISE EXCEPTION '%', TG_ARGV[0];
    END IF;
    RETURN NEW;
END"""
    name = names.guard(rule.table.name, "status")
    function = names.quote(name)
    guard = _calling(
        names,
        name=name,
        head=f"BEFORE UPDATE OF {names.columns(rule.moving)} ON {names.quote(rule.table.name)}",
        when=conditions.changed(rule.moving, names),
        function=function,
        body=body,
        message=rule.unfired,
    )
    make = f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger {_SAFE} AS {text(body)}"
    return Guard(name=name, create=(make, *guard.create), marks=guard.marks)


def _ledger(rule: LedgerGuard, names: Names) -> Iterator[Guard]:
    table = rule.table
    yield _fixed(names, table, rule.fixed, rule.rewritten)
    outcome = f"BEFORE UPDATE OF {names.columns(rule.outcome)}"
    resettled = conditions.resettled(rule, names)
    yield _trigger(names, table, "settled", outcome, when=resettled, message=rule.resettled)
    fence = f"BEFORE UPDATE OF {names.quote(rule.fence)}"
    falls = conditions.fence_falls(rule, names)
    yield _trigger(names, table, "fence", fence, when=falls, message=rule.fallen)
    yield _trigger(names, table, "delete", "BEFORE DELETE", message=table.undeletable)
    yield _truncate(names, table, table.undeletable)


def _unborn(rule: EnvelopeGuard, names: Names) -> Guard:
    fired = conditions.born_fired(rule, names)
    return _trigger(names, rule.table, "insert", "BEFORE INSERT", when=fired, message=rule.unborn)


def _fixed(names: Names, table: Table, columns: tuple[str, ...], message: str) -> Guard:
    event = f"BEFORE UPDATE OF {names.columns(columns)}"
    return _trigger(
        names, table, "fixed", event, when=conditions.changed(columns, names), message=message
    )


def _truncate(names: Names, table: Table, message: str) -> Guard:
    return _trigger(names, table, "truncate", "BEFORE TRUNCATE", message=message)


def _trigger(
    names: Names, table: Table, what: str, event: str, *, when: str = "", message: str
) -> Guard:
    """Return a trigger that refuses whatever makes it fire."""
    return _calling(
        names,
        name=names.guard(table.name, what),
        head=f"{event} ON {names.quote(table.name)}",
        when=when,
        function=REFUSE,
        body=_REFUSAL,
        message=message,
    )


def _calling(
    names: Names, *, name: str, head: str, when: str, function: str, body: str, message: str
) -> Guard:
    """Return a trigger that calls the function, which is given the message to refuse with.

    A second argument, which nobody reads, is a digest of the whole, to be known again by.
    """
    each = "STATEMENT" if "TRUNCATE" in head else "ROW"
    condition = f"\nWHEN ({when})" if when else ""
    trigger = (
        f"CREATE OR REPLACE TRIGGER {names.quote(name)} {head} FOR EACH {each}{condition}"
        f"\nEXECUTE FUNCTION {function}"
    )
    mark = fingerprint(trigger, message, body)
    create = f"{trigger}({text(message)}, {text(mark)})"
    return Guard(name=name, create=(create,), marks=(mark, body))
