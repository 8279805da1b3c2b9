"""Statements that PostgreSQL plans once, and what becomes of plans that do not hold any more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import NotSupportedError, connection, connections, transaction

from audit import planned
from audit.chain import heads
from audit.planned import cursor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL prepares"),
]

LONG_AGO = 1000.0


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
    other = connection.copy()
    with other.cursor() as beside:
        beside.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    other.close()
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

        def execute(self, statement: str) -> None:
            self.told.append(statement)

    raw = Raw()
    for seconds in (0, 9, 11, 12):
        monkeypatch.setattr(time, "monotonic", lambda at=LONG_AGO + seconds: at)
        planned._drop_old_plans(raw)
    assert raw.told == ["DISCARD PLANS"]


def test_dropping_them_leaves_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planned, "_KEPT", -1.0)
    with transaction.atomic():
        for _ in range(8):
            heads([UUID(int=1)])
    assert len(prepared()) == 1


@pytest.fixture
def changing() -> Iterator[Any]:
    """A table, and a connection that changes it beside this one."""
    other = connection.copy()
    with other.cursor() as beside:
        beside.execute("CREATE TABLE changing (word varchar(5))")
        beside.execute("INSERT INTO changing VALUES ('word')")
        yield beside
        beside.execute("DROP TABLE changing")
    other.close()


def read() -> str:
    with cursor(connections["default"]) as once:
        once.execute("SELECT word FROM changing WHERE word = %s", ["word"])
        (word,) = once.fetchone()
        return str(word)


def test_a_column_that_has_changed_is_refused_once(changing: Any) -> None:
    for _ in range(8):
        assert read() == "word"
    changing.execute("ALTER TABLE changing ALTER word TYPE text")
    with pytest.raises(NotSupportedError, match="cached plan"):
        read()
    assert read() == "word"


@pytest.mark.parametrize("command", ["DEALLOCATE ALL", "PREPARE _pg3_0 AS SELECT 1"])
def test_a_session_that_is_anothers_is_refused_once(command: str) -> None:
    """As behind a pooler that hands out its sessions by the transaction."""
    is_known = command.startswith("DEALLOCATE")
    if is_known:
        heads([UUID(int=1)])
    connection.ensure_connection()
    connection.connection.pgconn.exec_(command.encode())  # behind the driver's back
    with pytest.raises(Exception, match="prepared statement"):
        heads([UUID(int=1)])
    assert heads([UUID(int=1)]) == {}
