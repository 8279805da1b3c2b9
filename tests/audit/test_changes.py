"""Columns of many rows are written whether their values are all the same, or each its own."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from audit.rows import Changes, create
from workflow.models import Record

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 31, 8, tzinfo=UTC)
LATER = datetime(2026, 2, 1, 8, tzinfo=UTC)


@pytest.fixture
def records() -> list[Record]:
    made = [
        Record(workflow="w", reference=str(number), status="s", status_since=AT, created_at=AT)
        for number in range(3)
    ]
    create(made)
    return made


CHANGES = Changes(Record, ("status", "version", "last_transition", "status_since"))


@pytest.mark.parametrize("own", range(16))
@pytest.mark.parametrize("count", [1, 3])
def test_each_row_gets_its_values(records: list[Record], own: int, count: int) -> None:
    """`own` says, bit by bit, which columns have a value for each row."""
    some = records[:count]
    for number, each in enumerate(some):
        each.status = f"s{number}" if own & 1 else "same"
        each.version = number if own & 2 else 7
        each.last_transition = uuid4() if own & 4 else None
        each.status_since = [AT, LATER, AT][number] if own & 8 else LATER
    CHANGES.write(some)
    names = ("pk", "status", "version", "last_transition", "status_since", "reference")
    stored = set(Record.objects.values_list(*names))
    assert stored == {tuple(getattr(each, name) for name in names) for each in records}


def test_a_row_that_is_gone_is_left_out(records: list[Record]) -> None:
    Record.objects.filter(pk=records[0].pk).delete()
    for each in records:
        each.status = "moved"
    CHANGES.write(records)
    assert list(Record.objects.values_list("status", flat=True)) == ["moved", "moved"]
