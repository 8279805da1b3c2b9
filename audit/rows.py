"""Writing many rows of a model quickly: the one place with a vendor's own way to do so.

Making a model instance a row, and an expression a value, costs more than the database takes to
store it. So rows are given as tuples, and go by COPY (many new ones), as arrays (changed ones) on
PostgreSQL, and by one prepared statement on SQLite; elsewhere they go by the ORM. Triggers,
constraints and foreign keys hold on every way.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cache, cached_property, lru_cache, partial
from operator import attrgetter
from typing import Any, TypeAlias

from django.db import connection, models

_FEW = 4
"""Rows that go to PostgreSQL as one INSERT: to begin and to end a COPY takes a round trip each."""

Row = Sequence[Any]
Convert = Callable[[Any], Any]
Column: TypeAlias = "models.Field[Any, Any]"


class Rows:
    """Inserts rows of one model, of which some columns are given and the others have defaults."""

    def __init__(self, model: type[models.Model], names: Sequence[str]) -> None:
        """Take the given columns' attribute names."""
        self._model = model
        fields = {field.attname: field for field in model._meta.concrete_fields}
        self._fields: list[Column] = [fields[name] for name in names]
        self._constants: list[Column] = [
            field
            for name, field in fields.items()
            if name not in names and not isinstance(field, models.AutoField)
        ]

    def insert(self, rows: Sequence[Row]) -> None:
        """Insert the rows. Call in a transaction.

        Raises:
            IntegrityError: The database refuses one of them.
        """
        if not rows:
            return
        columns = [*self._fields, *self._constants]
        match connection.vendor:
            case "postgresql" if len(rows) <= _FEW:
                marks = ", ".join(["%s"] * len(columns))
                many = ", ".join([f"({marks})"] * len(rows))
                sql = f"INSERT INTO {_table(self._model)} ({_names(columns)}) VALUES {many}"  # noqa: S608  (a model's names)
                with connection.cursor() as cursor:
                    cursor.execute(sql, [value for row in self._stored(rows, {}) for value in row])
            case "postgresql":
                sql = f"COPY {_table(self._model)} ({_names(columns)}) FROM STDIN"
                _copy(sql, self._stored(rows, {}))
            case "sqlite":
                marks = ", ".join(["%s"] * len(columns))
                sql = f"INSERT INTO {_table(self._model)} ({_names(columns)}) VALUES ({marks})"  # noqa: S608  (a model's names)
                with connection.cursor() as cursor:
                    cursor.executemany(sql, list(self._stored(rows, _SQLITE)))
            case _:
                self._create(rows)

    def _stored(self, rows: Iterable[Row], converts: dict[str, Convert]) -> Iterator[list[Any]]:
        """Yield the rows with their defaults, as the database's driver takes them."""
        defaults = [
            each
            for (each,) in (
                next(_prepared([field], [[field.get_default()]], converts))
                for field in self._constants
            )
        ]
        for row in _prepared(self._fields, rows, converts):
            yield row + defaults

    def _create(self, rows: Iterable[Row]) -> None:
        names = [field.attname for field in self._fields]
        self._model._base_manager.bulk_create(
            [self._model(**dict(zip(names, row, strict=True))) for row in rows], batch_size=500
        )


def create(instances: Sequence[models.Model]) -> None:
    """Insert new instances of one model, all their columns; they do not get to know their keys.

    Raises:
        IntegrityError: The database refuses one of them.
    """
    if instances:
        rows, get = _every(type(instances[0]))
        rows.insert([get(each) for each in instances])


@cache
def _every(model: type[models.Model]) -> tuple[Rows, attrgetter[Any]]:
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields if not isinstance(field, models.AutoField)]
    return Rows(model, names), attrgetter(*names)


class Changes:
    """Writes some columns of many rows of one model, each row its own values."""

    def __init__(self, model: type[models.Model], names: Sequence[str]) -> None:
        """Take the names of the fields that change."""
        self._model = model
        self._names = tuple(names)

    @cached_property
    def _fields(self) -> list[Column]:
        """The key, and then what changes."""
        fields = {field.name: field for field in self._model._meta.concrete_fields}
        key: Any = self._model._meta.pk
        return [key, *(fields[name] for name in self._names)]

    def write(self, instances: Sequence[models.Model]) -> None:
        """Write the columns of these; rows that are gone are left out. Call in a transaction.

        Raises:
            IntegrityError: The database refuses one of them.
        """
        if not instances:
            return
        if any(field.model is not self._model for field in self._fields):
            # A table of a parent's.
            self._model._base_manager.bulk_update(instances, self._names, batch_size=200)
            return
        get = attrgetter(*(field.attname for field in self._fields))
        rows = (get(each) for each in instances)
        key, *changed = self._fields
        table = _table(self._model)
        match connection.vendor:
            case "postgresql":
                assigned = ", ".join(f"{_name(each)} = new.{_name(each)}" for each in changed)
                sql = (
                    f"UPDATE {table} SET {assigned} FROM UNNEST({_arrays(self._fields)})"  # noqa: S608  (a model's names)
                    f" AS new({_names(self._fields)})"
                    f" WHERE {table}.{_name(key)} = new.{_name(key)}"
                )
                with connection.cursor() as cursor:
                    cursor.execute(sql, _turned(_prepared(self._fields, rows, {})))
            case "sqlite":
                assigned = ", ".join(f"{_name(each)} = %s" for each in changed)
                sql = f"UPDATE {table} SET {assigned} WHERE {_name(key)} = %s"  # noqa: S608  (a model's names)
                prepared = _prepared(self._fields, rows, _SQLITE)
                with connection.cursor() as cursor:
                    cursor.executemany(sql, [[*row[1:], row[0]] for row in prepared])
            case _:
                self._model._base_manager.bulk_update(instances, self._names, batch_size=200)


def _copy(sql: str, rows: Iterable[Row]) -> None:
    """Send rows by the driver's own way, which neither wraps its errors nor tells watchers."""

    def run(sql: str, rows: Iterable[Row], *_: Any) -> None:
        with connection.wrap_database_errors, cursor.cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row(row)

    with connection.cursor() as cursor:
        for watcher in reversed(connection.execute_wrappers):
            run = partial(watcher, run)
        began = time.monotonic()
        run(sql, rows, True, {"connection": connection, "cursor": cursor})  # noqa: FBT003
    if connection.queries_logged:
        took = time.monotonic() - began
        connection.queries_log.append({"sql": sql, "time": f"{took:.3f}"})


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _name(field: Column) -> str:
    return connection.ops.quote_name(str(field.column))


def _names(fields: Iterable[Column]) -> str:
    return ", ".join(_name(field) for field in fields)


def _arrays(fields: Iterable[Column]) -> str:
    """Return a placeholder for each column's values, without a length: a cast to one would cut."""
    kinds = (str(field.cast_db_type(connection)).partition("(") for field in fields)
    return ", ".join(f"%s::{kind}{rest.partition(')')[2]}[]" for kind, _, rest in kinds)


def _turned(rows: Iterable[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _prepared(
    fields: Sequence[Column], rows: Iterable[Row], converts: dict[str, Convert]
) -> Iterator[list[Any]]:
    """Yield the rows as the database's driver takes them."""
    needed = [
        (place, convert)
        for place, field in enumerate(fields)
        if (convert := _convert(field, converts)) is not None
    ]
    for given in rows:
        row = [*given]
        for place, convert in needed:
            if row[place] is not None:
                row[place] = convert(row[place])
        yield row


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

    def prepared(value: Any) -> Any:
        return field.get_db_prep_save(value, connection)

    return lru_cache(maxsize=1024)(prepared) if name == "DecimalField" else prepared


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
