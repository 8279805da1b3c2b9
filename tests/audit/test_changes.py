"""Columns of many rows are written whether their values are all the same, or each its own."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from audit.rows import Changes, create
from workflow.models import Channel

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 31, 8, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
SIGN = -1 if connection.vendor == "postgresql" else 1
"""Of -0.0, once it is stored."""

LATER = datetime(2026, 2, 1, 8, tzinfo=UTC)
NAMES = ("last_failure", "failures", "tokens", "opens_at")
CHANGES = Changes(Channel, NAMES)


@pytest.fixture
def rows() -> list[Channel]:
    made = [Channel(name=f"c{number}", rate=float(number)) for number in range(3)]
    Channel.objects.all().delete()
    create(made)
    return made


def _stored() -> set[tuple[object, ...]]:
    return set(Channel.objects.values_list("pk", "rate", *NAMES))


@pytest.mark.parametrize("own", range(16))
@pytest.mark.parametrize("count", [1, 3])
def test_each_row_gets_its_values(rows: list[Channel], own: int, count: int) -> None:
    """`own` says, bit by bit, which columns have a value for each row."""
    some = rows[:count]
    for number, each in enumerate(some):
        each.last_failure = f"it's {number}" if own & 1 else "the same: %s"
        each.failures = number if own & 2 else 7
        each.tokens = number / 4 if own & 4 else None
        each.opens_at = [AT, None, LATER][number] if own & 8 else LATER
    CHANGES.write(some)
    assert _stored() == {
        tuple(getattr(each, name) for name in ("pk", "rate", *NAMES)) for each in rows
    }


def test_what_is_equal_is_not_always_the_same(rows: list[Channel]) -> None:
    """An hour that comes twice; and a value that fits its column only by a cast."""
    for number, each in enumerate(rows):
        each.opens_at = datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=min(number, 1))
        each.failures = True
        each.tokens = (0.0, -0.0, 0.0)[number]
    CHANGES.write(rows)
    stored = {name: row for name, _, *row in _stored()}
    hours = {name: row[3].astimezone(UTC).hour for name, row in stored.items()}  # type: ignore[attr-defined]
    assert hours == {"c0": 0, "c1": 1, "c2": 1}
    assert {row[1] for row in stored.values()} == {1}
    signs = [math.copysign(1, stored[name][2]) for name in ("c0", "c1", "c2")]  # type: ignore[arg-type]
    assert signs == [1, SIGN, 1]


def test_one_row_is_cast_as_several_are(rows: list[Channel]) -> None:
    rows[0].failures = True
    CHANGES.write(rows[:1])
    assert {name: failures for name, _, _, failures, *_ in _stored()}["c0"] == 1


def test_a_row_that_is_gone_is_left_out(rows: list[Channel]) -> None:
    Channel.objects.filter(pk="c0").delete()
    for each in rows:
        each.failures = 3
    CHANGES.write(rows)
    assert sorted((name, failures) for name, _, _, failures, *_ in _stored()) == [
        ("c1", 3),
        ("c2", 3),
    ]
