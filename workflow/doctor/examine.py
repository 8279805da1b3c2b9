"""The whole examination, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from workflow.doctor import clocks, configuration, facts, server, structure, trail, work
from workflow.doctor.finding import Finding
from workflow.doctor.trail import Say


class CannotLook(Exception):
    """The database is not one that can be examined."""


def examine(*, now: datetime, full: bool, say: Say) -> Iterator[Finding]:
    """Yield everything that is wrong; write nothing, except that `full` keeps its verification.

    Args:
        full: Read the whole trail and every record, not only those that moved last.
        say: Is told how far it has come.

    Raises:
        CannotLook: The database is not migrated to this release.
        DatabaseError: It does not answer.
    """
    _see_that_it_is_migrated()
    say("settings")
    yield from configuration.look()
    say("database server")
    yield from server.look()
    say("guards, constraints, definitions")
    yield from structure.look()
    say("clocks")
    yield from clocks.look(now=now)
    say("work")
    yield from work.look(now=now)
    records = None if full else facts.latest()
    say("invariants" if full else f"invariants of the {len(records or ()):,} records moved last")
    yield from facts.look(records=records)
    say("trail against records")
    yield from trail.look_for_drift(records=records)
    say("trail")
    if full:
        yield from trail.verify(say=say)
    yield from trail.look(now=now)


def _see_that_it_is_migrated() -> None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        raise CannotLook(
            f"{len(plan)} migrations are not applied, the first is {plan[0][0]}: run"
            " `manage.py migrate`, with the release that is deployed."
        )
