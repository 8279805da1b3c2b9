"""Inserting many rows of a model quickly: the one place with a vendor's own way to do so.

Making a model instance a row costs more than the database takes to store it. So rows are given as
tuples, and go by COPY on PostgreSQL and by one prepared statement on SQLite; elsewhere they go by
`bulk_create`. Triggers, constraints and foreign keys hold on every way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeAlias

from django.db import connection, models

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

    def insert(self, rows: Iterable[Row]) -> None:
        """Insert the rows. Call in a transaction."""
        match connection.vendor:
            case "postgresql":
                self._copy(rows)
            case "sqlite":
                self._execute(rows)
            case _:
                self._create(rows)

    def _columns(self) -> str:
        quote = connection.ops.quote_name
        return ", ".join(quote(str(each.column)) for each in (*self._fields, *self._constants))

    def _stored(self, rows: Iterable[Row], converts: dict[str, Convert]) -> Iterator[list[Any]]:
        """Yield the rows with their defaults, as the database's driver takes them."""
        needed = [
            (place, convert)
            for place, field in enumerate(self._fields)
            if (convert := _convert(field, converts)) is not None
        ]
        defaults = []
        for field in self._constants:
            value, convert = field.get_default(), _convert(field, converts)
            defaults.append(value if value is None or convert is None else convert(value))
        for given in rows:
            row = [*given, *defaults]
            for place, convert in needed:
                if row[place] is not None:
                    row[place] = convert(row[place])
            yield row

    def _copy(self, rows: Iterable[Row]) -> None:
        table = connection.ops.quote_name(self._model._meta.db_table)
        with connection.cursor() as cursor:
            sql = f"COPY {table} ({self._columns()}) FROM STDIN"
            with cursor.cursor.copy(sql) as copy:  # psycopg's own
                for row in self._stored(rows, {}):
                    copy.write_row(row)

    def _execute(self, rows: Iterable[Row]) -> None:
        table = connection.ops.quote_name(self._model._meta.db_table)
        marks = ", ".join(["%s"] * (len(self._fields) + len(self._constants)))
        statement = f"INSERT INTO {table} ({self._columns()}) VALUES ({marks})"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.executemany(statement, list(self._stored(rows, _SQLITE)))

    def _create(self, rows: Iterable[Row]) -> None:
        names = [field.attname for field in self._fields]
        self._model._base_manager.bulk_create(
            [self._model(**dict(zip(names, row, strict=True))) for row in rows], batch_size=500
        )


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

    def prepared(value: Any) -> Any:
        return "{}" if value == {} else field.get_db_prep_save(value, connection)

    return lru_cache(maxsize=1024)(prepared) if name == "DecimalField" else prepared


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
