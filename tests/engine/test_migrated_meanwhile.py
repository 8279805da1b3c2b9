"""A migration widens columns while web and workers run: nobody fails for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from tests.engine.conftest import Ask, Make
from workflow.models import TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL prepares"),
]


@contextmanager
def widened(table: str, column: str) -> Iterator[None]:
    """Change a column's type on another connection, and back in the end."""

    def become(kind: str) -> None:
        beside = connection.copy()
        with beside.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} ALTER {column} TYPE {kind}")
        beside.close()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attname = %s",
            [table, column],
        )
        (before,) = cursor.fetchone()
    become("text")
    try:
        yield
    finally:
        become(before)


@pytest.mark.parametrize("count", [1, 3])
def test_a_worker_takes_its_batch_again(make: Make, ask: Ask, count: int) -> None:
    records = [make() for _ in range(count + 1)]
    ask(records[0])
    drain()
    for record in records[1:]:
        ask(record)
    with widened("declarations_declaration", "purpose"):
        assert drain() == {"fired": count}
    asked = TransitionEnvelope.objects.filter(transition="open")
    attempts = asked.values_list("state", "attempts", "crashes")
    assert set(attempts) == {("fired", 1, 0)}


def test_a_request_is_taken(make: Make, ask: Ask) -> None:
    first, second = make(), make()
    ask(first)
    with widened("workflow_record", "reference"):
        assert ask(second).envelope.record_id == second.pk
    assert drain() == {"fired": 2}
