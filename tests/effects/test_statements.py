"""The statements that are compiled once (`audit.compiled`), for SQL Server too, which is not here.

What a request, its decision, its call and the call's outcome run is compiled again by the backend
of that server. No server has run it.
"""

from __future__ import annotations

import gc
from collections.abc import Hashable, Mapping
from typing import Any

import pytest
from django.db.models.sql import Query

from audit import compiled
from audit.compiled import Compiled, Value
from tests.effects.conftest import Ask
from tests.mssql import unconnected
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

HOT = {
    *("_last_entries", "_undisturbed", "_ready", "_take", "_held", "_subjects", "_close", "_move"),
    *("_channels", "_anything", "_heads", "_send", "_again", "_claimed", "_forward"),
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> dict[str, Query]:
    """Return the queries that a transition with a call runs, by the name of what builds them."""
    for each in [each for each in gc.get_objects() if isinstance(each, Compiled)]:
        monkeypatch.setattr(each, "_known", {})
    queries: dict[str, Query] = {}
    compile_ = compiled._compile

    def noted(build: Any, shape: tuple[Hashable, ...], values: Mapping[str, Value]) -> Any:
        marks = {name: compiled._mark(each, at) for at, (name, each) in enumerate(values.items())}
        queries[build.__name__] = build(*shape, **marks)
        return compile_(build, shape, values)

    monkeypatch.setattr(compiled, "_compile", noted)
    ask("tell")
    drain()
    return queries


def test_they_are_all_met(run: dict[str, Query]) -> None:
    assert set(run) >= HOT


def test_they_compile_for_sql_server(
    run: dict[str, Query], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = unconnected(monkeypatch)
    monkeypatch.setattr(server, "get_autocommit", lambda: False)  # as within a transaction
    for name, query in run.items():
        sql, _ = query.get_compiler(connection=server).as_sql()
        assert "[" in sql, (name, sql)
        assert '"' not in sql, (name, sql)
        assert " LIMIT " not in sql, (name, sql)
        assert ("UPDLOCK" in sql) == query.select_for_update, (name, sql)
