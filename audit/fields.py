"""Fields as statements name them, and their values as the databases' drivers take them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, TypeAlias

from django.db import connection, models

Row = Sequence[Any]
Convert = Callable[[Any], Any]
Prepare = Callable[[Iterable[Row]], Iterator[list[Any]]]
Column: TypeAlias = "models.Field[Any, Any]"


def table_of(model: type[models.Model]) -> str:
    """Return a table's name as it stands in a statement."""
    return connection.ops.quote_name(model._meta.db_table)


def name_of(field: Column) -> str:
    """Return a column's name as it stands in a statement."""
    return connection.ops.quote_name(str(field.column))


def names_of(fields: Iterable[Column]) -> str:
    """Return columns' names, with commas between them."""
    return ", ".join(name_of(field) for field in fields)


def type_of(field: Column) -> str:
    """Return a column's type, without a length: a cast to one would cut."""
    kind, _, rest = str(field.cast_db_type(connection)).partition("(")
    return kind + rest.partition(")")[2]


def arrays_of(fields: Iterable[Column]) -> str:
    """Return a placeholder for each column's values."""
    return ", ".join(f"%s::{type_of(field)}[]" for field in fields)


def values_of(names: Sequence[str]) -> Callable[[Any], Row]:
    """Return what takes the values of some attributes, be it one, in their order."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda instance: tuple(getattr(instance, name) for name in names)


def preparing(fields: Sequence[Column]) -> Prepare:
    """Return what yields rows of these fields' values as the database's driver takes them."""
    converts = _SQLITE if connection.vendor == "sqlite" else {}
    needed = [
        (place, convert)
        for place, field in enumerate(fields)
        if (convert := _convert(field, converts)) is not None
    ]

    def prepared(rows: Iterable[Row]) -> Iterator[list[Any]]:
        for given in rows:
            row = [*given]
            for place, convert in needed:
                if row[place] is not None:
                    row[place] = convert(row[place])
            yield row

    return prepared


def is_plain(model: type[models.Model]) -> bool:
    """Return whether every column's value is known here, so that rows can be given as tuples."""
    return not any(
        field.generated or field.has_db_default() for field in model._meta.concrete_fields
    )


_AS_IT_IS = frozenset(
    {
        "BigIntegerField",
        "BooleanField",
        "CharField",
        "DateField",
        "DateTimeField",
        "EmailField",
        "FloatField",
        "IntegerField",
        "PositiveBigIntegerField",
        "PositiveIntegerField",
        "PositiveSmallIntegerField",
        "SlugField",
        "SmallIntegerField",
        "TextField",
        "URLField",
        "UUIDField",
        "AutoField",
        "BigAutoField",
        "SmallAutoField",
    }
)
"""Kinds of fields whose values drivers take, but for what a vendor's table says."""


def _convert(field: Column, converts: dict[str, Convert]) -> Convert | None:
    """Return what makes a field's value one that the driver takes; None where nothing has to."""
    kind: Any = field
    while isinstance(kind, models.ForeignKey):
        kind = kind.target_field
    name = kind.get_internal_type()
    if name in converts:
        return converts[name]
    if name in _AS_IT_IS and type(kind).get_db_prep_save is models.Field.get_db_prep_save:
        return None

    if isinstance(kind, models.JSONField):
        return partial(_text, encoder=kind.encoder)

    def saved(value: Any) -> Any:
        return field.get_db_prep_save(value, connection)

    return lru_cache(maxsize=1024)(saved) if name == "DecimalField" else saved


def _text(value: Any, *, encoder: Any) -> str:
    """Return JSON as text, which every database takes for it."""
    return "{}" if value == {} else json.dumps(value, cls=encoder)


def _naive(value: datetime) -> str:
    # Of one zone, the two times of an hour that comes twice are equal, but for `fold`.
    return _naive_once(value, value.fold)


@lru_cache(maxsize=8192)
def _naive_once(value: datetime, _fold: int) -> str:
    return str(value.astimezone(UTC).replace(tzinfo=None))


_SQLITE: dict[str, Convert] = {
    "UUIDField": attrgetter("hex"),
    "DateTimeField": _naive,
    "DateField": date.isoformat,
}
"""How SQLite's backend stores what its driver does not take."""
