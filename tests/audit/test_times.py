"""Times that PostgreSQL sends: read quickly, and to the same values as Django reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import DataError, connection
from psycopg import adapters, pq

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="its driver's own reader"),
]


def read(text: str) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        (at,) = cursor.fetchone()
        found: datetime = at
        return found


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 1, 31, 8, 0, tzinfo=UTC),
        datetime(2026, 1, 31, 8, 0, 0, 120000, tzinfo=UTC),
        datetime(2026, 1, 31, 8, 0, 0, 1, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 1, 31, 8, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ],
)
def test_a_time_is_read_as_utc(at: datetime) -> None:
    found = read(at.isoformat())
    assert found == at
    assert found.tzinfo is UTC


def test_the_quick_reader_is_in_place_once() -> None:
    connection.ensure_connection()
    loader = connection.connection.adapters.get_loader(
        adapters.types["timestamptz"].oid, pq.Format.TEXT
    )
    assert loader.is_quick
    assert not hasattr(loader.__base__, "is_quick")


@pytest.mark.parametrize("text", ["infinity", "0044-03-15 BC", "10000-01-01"])
def test_what_python_has_no_time_for_is_refused_as_before(text: str) -> None:
    with pytest.raises(DataError):
        read(text)
