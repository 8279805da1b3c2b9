"""What databases send: read quickly, and to the same values as Django reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import DataError, connection
from django.db.models import Max
from django.db.models.sql import Query
from psycopg import adapters, pq

from audit.chain import Note, append
from audit.compiled import Compiled
from audit.models import Entry
from workflow.testing.guards import lifted

pytestmark = pytest.mark.django_db

postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="its driver's own reader"
)


def read(text: str) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        (at,) = cursor.fetchone()
        found: datetime = at
        return found


@postgresql
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


@postgresql
def test_the_quick_reader_is_in_place_once() -> None:
    connection.ensure_connection()
    loader = connection.connection.adapters.get_loader(
        adapters.types["timestamptz"].oid, pq.Format.TEXT
    )
    assert loader.is_quick
    assert not hasattr(loader.__base__, "is_quick")


@postgresql
@pytest.mark.parametrize("text", ["infinity", "0044-03-15 BC", "10000-01-01"])
def test_what_python_has_no_time_for_is_refused_as_before(text: str) -> None:
    with pytest.raises(DataError):
        read(text)


TIMES = [
    datetime(2026, 1, 31, 8, 0, tzinfo=UTC),
    datetime(2026, 1, 31, 8, 0, 0, 120000, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Amsterdam"), fold=1),
]


def compiled(*names: str) -> Compiled:
    return Compiled(lambda chain: Entry.objects.filter(chain=chain).values_list(*names).query)


@pytest.mark.parametrize("at", TIMES)
def test_a_compiled_statement_reads_what_the_orm_reads(at: datetime) -> None:
    chain = uuid4()
    append([Note(chain=chain, at=at, action="noted", actor="somebody", transition_id=uuid4())])
    names = ("at", "chain", "transition_id")
    (usual,) = Entry.objects.filter(chain=chain).values_list(*names)
    (quick,) = compiled(*names).rows(chain=chain)
    assert quick == usual
    assert [type(value) for value in quick] == [datetime, UUID, UUID]
    assert quick[0].tzinfo is UTC


def test_nothing_stays_nothing() -> None:
    chain = uuid4()
    append([Note(chain=chain, at=TIMES[0], action="noted", actor="somebody")])
    assert compiled("transition_id").rows(chain=chain) == [(None,)]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="others take no such texts")
def test_a_text_that_is_none_is_what_it_was() -> None:
    """An id is refused, each time; a time counts as none, which is Django's way."""
    chain = uuid4()
    append([Note(chain=chain, at=TIMES[0], action="noted", actor="somebody")])
    with lifted(connection), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_entry SET at = 'soon', transition_id = 'mine'")
    assert compiled("at").rows(chain=chain) == [(None,)]
    assert list(Entry.objects.filter(chain=chain).values_list("at")) == [(None,)]
    for _ in range(2):
        with pytest.raises(ValueError, match="badly formed"):
            compiled("transition_id").rows(chain=chain)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="its driver's converters")
def test_an_expression_has_its_times_as_well() -> None:
    chain = uuid4()
    append([Note(chain=chain, at=at, action="noted", actor="somebody") for at in TIMES])

    def last(chain: UUID) -> Query:
        entries = Entry.objects.filter(chain=chain).values("chain")
        return entries.annotate(last=Max("at")).values_list("last").query

    assert Compiled(last).rows(chain=chain) == [(TIMES[3],)]
