"""The statements that are compiled once (`audit.compiled`), for SQL Server too, which is not here.

What a request, its decision, its call and the call's outcome run is compiled again by the backend
of that server. No server has run it.
"""

from __future__ import annotations

import gc
from collections.abc import Hashable, Mapping
from typing import Any

import pytest

from audit import compiled
from audit.compiled import Compiled, Value
from tests.effects.conftest import Ask
from tests.mssql import unconnected
from workflow.engine import claim
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

HOT = {
    *("_last_entries", "_quick_look", "_ready", "_take", "_held", "_subjects", "_close", "_move"),
    *("_channels", "_anything", "_heads", "_send", "_again", "_claimed", "_forward"),
    *("_door", "_under_way", "_pauses", "_taken"),
}

LOCKING = {
    *(f"workflow.engine.{name}" for name in ("claim._ready", "hold._held", "hold._again")),
    "workflow.engine.hold._held_again",
    *("workflow.engine.grounds._subjects", "workflow.effects.record._claimed"),
    "workflow.effects.channels._door",
}

Run = tuple[Any, tuple[Hashable, ...], Mapping[str, Value]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> dict[str, Run]:
    """Return what a transition with a call has compiled, by the name of what builds it."""
    # By its type: to ask a lazy object of another test what it is would have it made.
    for each in [each for each in gc.get_objects() if type(each) is Compiled]:
        monkeypatch.setattr(each, "_known", compiled._Known())
    found: dict[str, Run] = {}
    compile_ = compiled._compile

    def noted(
        build: Any, shape: tuple[Hashable, ...], values: Mapping[str, Value], database: Any
    ) -> Any:
        found[f"{build.__module__}.{build.__name__}"] = build, shape, values
        return compile_(build, shape, values, database)

    with monkeypatch.context() as patch:
        patch.setattr(compiled, "_compile", noted)
        ask("tell")
        drain()
    return found


def test_they_are_all_met(run: dict[str, Run]) -> None:
    assert {name.rpartition(".")[2] for name in run} >= HOT


def test_they_compile_for_sql_server(run: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value finds its place there, too."""
    server = unconnected(monkeypatch)
    monkeypatch.setattr(server, "get_autocommit", lambda: False)  # as within a transaction
    monkeypatch.setattr(claim, "connection", server)
    for name, (build, shape, values) in run.items():
        statement = compiled._compile(build, shape, values, server)
        assert statement is not None, name
        sql = statement.sql
        assert "[" in sql, (name, sql)
        assert '"' not in sql, (name, sql)
        assert " LIMIT " not in sql, (name, sql)
        assert statement.places, (name, sql)
        assert ("UPDLOCK" in sql) == (name in LOCKING), (name, sql)
