"""A domain object's fields as one text, the same before it is saved and after it is read.

A transition's entry holds the digest of it, which binds the history row of that transition to the
chain: a value that is altered in the history does not give the digest any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, lru_cache, partial
from operator import attrgetter
from types import NoneType
from typing import Any
from uuid import UUID

from django.db import models
from django.db.backends.utils import format_number
from simple_history.utils import get_history_manager_for_model

from audit.canonical import canonical, moment, quoted
from audit.fields import values_of

Write = Callable[[Any], str]

Tracked = tuple[str, Mapping[type, Write], Write]
"""What comes before a field's value, what writes its usual types of values as JSON, where that is
known beforehand, and what writes any."""


def snapshot(*, row: models.Model, model: type[models.Model]) -> str:
    """Return the tracked fields of an object, or of a row of its history, as canonical JSON.

    Args:
        row: An object of the model, or of its history's model.
        model: The domain model.
    """
    fields, values = _tracked(model)
    parts = [
        before + usual.get(type(value), write)(value)
        for (before, usual, write), value in zip(fields, values(row), strict=True)
    ]
    return f"{{{','.join(parts)}}}"


def snapshot_digest(text: str) -> str:
    """Return the SHA-256 of a snapshot."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@cache
def _tracked(model: type[models.Model]) -> tuple[list[Tracked], Callable[[Any], Sequence[Any]]]:
    """Return the fields in the order of their names, and what takes their values from a row."""
    history = get_history_manager_for_model(model).model
    fields = sorted(history.tracked_fields, key=attrgetter("name"))
    tracked: list[Tracked] = []
    for field in fields:
        target = getattr(field, "target_field", field)
        tracked.append((f"{quoted(field.name)}:", _usual(target), partial(_any, target)))
    return tracked, values_of([field.attname for field in fields])


def _usual(field: models.Field[Any, Any]) -> Mapping[type, Write]:
    """Return what writes values of the usual types, most of what there is.

    The canonical JSON of what `_text` makes of them, without asking each time what field it is.
    """
    usual: dict[type, Write] = {NoneType: lambda _: "null"}
    if isinstance(field, _AS_IT_IS[str]):
        usual[str] = quoted
    if isinstance(field, _AS_IT_IS[int]):
        usual[int] = int.__repr__
    match getattr(type(field), "to_python", None):
        case models.DateTimeField.to_python:
            usual[datetime] = lambda value: f'"{_time(value)}"'
        case models.DateField.to_python:
            usual[date] = lambda value: f'"{value.isoformat()}"'
        case models.UUIDField.to_python:
            usual[UUID] = lambda value: f'"{value.hex}"'
        case models.DecimalField.to_python:
            usual[Decimal] = _amounts(field)
    return usual


def _any(field: models.Field[Any, Any], value: Any) -> str:
    return canonical(_text(field, value))


def _amounts(field: models.Field[Any, Any]) -> Write:
    """Return what writes amounts: equal ones alike, with the field's places, but for 0 and -0."""
    write = partial(_any, field)
    known = lru_cache(maxsize=1024)(write)
    return lambda value: known(value) if value else write(value)


_AS_IT_IS: dict[type, Any] = {
    str: (models.CharField, models.TextField, models.JSONField),
    int: (models.IntegerField, models.JSONField),
}
"""Kinds of values that stand in JSON as they are, where they are in fields of these kinds."""


def _text(field: models.Field[Any, Any], value: Any) -> Any:
    """Return a value as JSON, in the form that it has once it has been stored."""
    if value is None or isinstance(field, _AS_IT_IS.get(type(value), models.JSONField)):
        return value
    stored = field.to_python(value)
    text: Any = str(stored)
    match stored:
        case Decimal() if isinstance(field, models.DecimalField):
            text = format_number(stored, field.max_digits, field.decimal_places)
        case UUID():
            text = stored.hex
        case datetime():
            text = _time(stored)
        case date() | time():
            text = stored.isoformat()
        case bool() | int() | float():
            text = stored
    return text


def _time(value: datetime) -> str:
    return value.isoformat() if value.tzinfo is None else moment(value)
