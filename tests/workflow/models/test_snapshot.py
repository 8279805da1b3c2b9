"""A snapshot's quick way writes what its careful one would."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import models

from audit.canonical import canonical
from workflow.models.snapshot import _text, _usual

_LATE = timezone(timedelta(hours=-3))


class Shouting(models.DateField):  # type: ignore[type-arg]  # generic in the stubs alone
    """A field that has a way of its own."""

    def to_python(self, value: Any) -> Any:
        return date(2000, 1, 1)


AMOUNT = models.DecimalField(max_digits=8, decimal_places=2)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        (models.CharField(), "a", "a"),
        (models.CharField(), None, None),
        (models.CharField(), 'ä "\\\n\u2028', 'ä "\\\n\u2028'),
        (models.TextField(), "", ""),
        (models.IntegerField(), 7, 7),
        (models.JSONField(), "a", "a"),
        (models.JSONField(), 7, 7),
        (models.DateField(), date(2026, 1, 31), "2026-01-31"),
        (
            models.DateTimeField(),
            datetime(2026, 1, 31, 8, 0, tzinfo=_LATE),
            "2026-01-31T11:00:00.000000Z",
        ),
        (
            models.DateTimeField(),
            datetime(2026, 1, 31, 8, 0, 0, 5, tzinfo=UTC),
            "2026-01-31T08:00:00.000005Z",
        ),
        (models.DateTimeField(), datetime(2026, 1, 31, 8, 0), "2026-01-31T08:00:00"),
        (models.UUIDField(), UUID(int=5), "00000000000000000000000000000005"),
        (AMOUNT, Decimal("12.5"), "12.50"),
        (AMOUNT, Decimal("12.50"), "12.50"),
        (AMOUNT, Decimal("0"), "0.00"),
        (AMOUNT, Decimal("-0"), "-0.00"),
    ],
)
def test_both_ways_agree(field: models.Field[Any, Any], value: Any, text: Any) -> None:
    assert _usual(field)[type(value)](value) == canonical(text)
    assert _text(field, value) == text


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        (models.BooleanField(), True, True),
        (models.FloatField(), 1.5, 1.5),
        (models.TimeField(), time(8, 0), "08:00:00"),
        (AMOUNT, 12, "12.00"),
        (models.JSONField(), {"a": [1]}, {"a": [1]}),
    ],
)
def test_others_are_written_with_care(
    field: models.Field[Any, Any], value: Any, text: Any
) -> None:
    assert type(value) not in _usual(field)
    assert _text(field, value) == text


def test_a_field_with_a_way_of_its_own_is_asked_each_time() -> None:
    assert date not in _usual(Shouting())
