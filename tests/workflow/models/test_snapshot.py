"""A snapshot's quick way writes what its careful one would."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import models

from workflow.models.snapshot import _text, _usual

_LATE = timezone(timedelta(hours=-3))


class Shouting(models.DateField):  # type: ignore[type-arg]
    """A field that has a way of its own."""

    def to_python(self, value: Any) -> Any:
        return date(2000, 1, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (models.CharField(), "a"),
        (models.TextField(), ""),
        (models.IntegerField(), 7),
        (models.BooleanField(), True),
        (models.FloatField(), 1.5),
        (models.JSONField(), "a"),
        (models.JSONField(), 7),
        (models.DateField(), date(2026, 1, 31)),
        (models.DateField(), datetime(2026, 1, 31, 8, 0)),
        (models.DateTimeField(), datetime(2026, 1, 31, 8, 0, tzinfo=_LATE)),
        (models.DateTimeField(), datetime(2026, 1, 31, 8, 0, 0, 5, tzinfo=UTC)),
        (models.DateTimeField(), datetime(2026, 1, 31, 8, 0)),
        (models.TimeField(), time(8, 0)),
        (models.UUIDField(), UUID(int=5)),
        (models.DecimalField(max_digits=8, decimal_places=2), Decimal("12.5")),
        (models.DecimalField(max_digits=8, decimal_places=2), Decimal("12.50")),
        (models.DecimalField(max_digits=8, decimal_places=2), 12),
        (Shouting(), date(2026, 1, 31)),
        (models.CharField(), None),
    ],
)
def test_both_ways_agree(field: models.Field[Any, Any], value: Any) -> None:
    usual = _usual(field)
    if type(value) not in usual:
        return
    write = usual[type(value)]
    assert (value if write is None else write(value)) == _text(field, value)


def test_a_field_with_a_way_of_its_own_is_asked_each_time() -> None:
    assert date not in _usual(Shouting())


def test_most_kinds_are_written_quickly() -> None:
    assert datetime in _usual(models.DateTimeField())
    assert Decimal in _usual(models.DecimalField(max_digits=8, decimal_places=2))
    assert UUID in _usual(models.UUIDField())
    assert date in _usual(models.DateField())
