"""Statements that PostgreSQL plans once, and what becomes of plans that do not hold any more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from operator import attrgetter, methodcaller
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import (
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)

from audit import planned
from audit.chain import _HEADS

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL prepares"),
]

LONG_AGO = 1000.0


def heads(chains: list[UUID]) -> dict[UUID, str]:
    """Run one statement."""
    return dict(_HEADS.rows(chains=chains))


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    connection.close()
    yield
    connection.close()


def prepared() -> list[str]:
    with connection.cursor() as plain:
        plain.execute("SELECT statement FROM pg_prepared_statements")
        return [statement for (statement,) in plain.fetchall()]


def test_a_compiled_statement_is_prepared_once() -> None:
    for _ in range(3):
        heads([UUID(int=1)])
    (statement,) = prepared()
    assert "audit_entry" in statement


def test_not_without_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "prepare_threshold", None)
    heads([UUID(int=1)])
    assert not prepared()


def test_a_connection_that_the_server_has_ended_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As any other cursor of Django's does, once for each request."""
    heads([UUID(int=1)])
    _end(connection)
    monkeypatch.setattr(connection, "health_check_enabled", True)
    monkeypatch.setattr(connection, "health_check_done", False)
    assert heads([UUID(int=1)]) == {}


def test_logged_queries_have_their_values(
    django_assert_num_queries: Any,
) -> None:
    chain = uuid4()
    with django_assert_num_queries(1) as seen:
        heads([chain])
    assert chain.hex in seen.captured_queries[0]["sql"]


def test_plans_are_dropped_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    class Raw:
        def __init__(self) -> None:
            self.told: list[str] = []
            self._prepared = SimpleNamespace()

        def execute(self, statement: str) -> None:
            self.told.append(statement)

    raw = Raw()
    for seconds in (0, 9, 11, 12):
        monkeypatch.setattr(time, "monotonic", lambda at=LONG_AGO + seconds: at)
        planned._look_after(raw, connections["default"])
    assert raw.told == ["DISCARD PLANS"]


def test_dropping_them_leaves_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planned, "_KEPT", -1.0)
    with transaction.atomic():
        for _ in range(8):
            heads([UUID(int=1)])
    assert len(prepared()) == 1


def test_a_dead_connection_is_djangos_error_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    heads([UUID(int=1)])
    _end(connection)
    monkeypatch.setattr(planned, "_KEPT", -1.0)
    with pytest.raises(OperationalError):
        heads([UUID(int=1)])


def _end(mine: Any) -> None:
    other = mine.copy()
    with other.cursor() as beside:
        beside.execute("SELECT pg_terminate_backend(%s)", [mine.connection.info.backend_pid])
    other.close()


@pytest.fixture
def changing() -> Iterator[Any]:
    """A table, and a connection that changes it beside this one."""
    other = connection.copy()
    with other.cursor() as beside:
        beside.execute("CREATE TABLE changing (word varchar(5))")
        beside.execute("INSERT INTO changing VALUES ('5')")
        yield beside
        beside.execute("DROP TABLE changing")
    other.close()


def run(sql: str) -> int:
    values: list[Any] = ["5"]
    return planned.run(connections["default"], sql, values, attrgetter("rowcount"))


READ = "SELECT word FROM changing WHERE word = %s"
COMPARE = "UPDATE changing SET word = word WHERE word = %s"
WRITE = "INSERT INTO changing VALUES (%s)"


@pytest.mark.parametrize(
    ("sql", "kind"),
    [(READ, "text"), (READ, "integer"), (COMPARE, "integer"), (WRITE, "integer")],
)
def test_a_column_that_has_changed_is_taken_again(changing: Any, sql: str, kind: str) -> None:
    for _ in range(8):
        assert run(sql)
    changing.execute(f"ALTER TABLE changing ALTER word TYPE {kind} USING word::{kind}")
    assert run(sql)
    assert connection.connection.prepare_threshold is None


def test_not_within_a_transaction_which_is_lost_by_it(changing: Any) -> None:
    run(READ)
    changing.execute("ALTER TABLE changing ALTER word TYPE text")
    with pytest.raises(NotSupportedError) as error, transaction.atomic():
        run(READ)
    assert planned.is_lost(error.value)
    with transaction.atomic():
        assert run(READ)


def test_an_error_of_its_own_is_not_taken_for_a_lost_statement() -> None:
    """Nobody would hear of it, and a worker would try it without end."""
    with pytest.raises(ProgrammingError) as error:
        run("SELECT no_such_function(%s)")
    assert not planned.is_lost(error.value)


def test_a_session_that_does_not_know_it_is_found_out() -> None:
    """As behind a pooler that hands out its sessions by the transaction."""
    heads([UUID(int=1)])
    connection.connection.pgconn.exec_(b"DEALLOCATE ALL")  # behind the driver's back
    assert heads([UUID(int=1)]) == {}
    assert connection.connection.prepare_threshold is None


def test_nobody_elses_statement_has_the_same_name() -> None:
    names = []
    for _ in range(2):
        connection.close()
        heads([UUID(int=1)])
        with connection.cursor() as plain:
            plain.execute("SELECT name FROM pg_prepared_statements")
            names += [name for (name,) in plain.fetchall()]
    first, second = (int(name.removeprefix("_pg3_")) for name in names)
    assert abs(first - second) > 1000  # how many a connection may come to have


def test_a_percent_sign_is_itself() -> None:
    told = planned.run(
        connections["default"],
        "SELECT '100%%', %s, 'a' LIKE '%%a%%', %s",
        ["one", "two"],
        methodcaller("fetchone"),
    )
    assert told == ("100%", "one", True, "two")
