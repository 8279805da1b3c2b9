"""Statements that are run many times a second: compiled once, and then only filled in.

The ORM takes several times as long to build such a statement as a database does to run it, and a
worker runs a dozen of them for each batch, however small. What is compiled is the ORM's own query,
with marks in the places of its values. A value that is a list of keys goes to PostgreSQL as one
array, unless it is of one key: a plan that is kept for all arrays does not know how many rows to
expect, so the server makes one each time. Elsewhere a list is filled up to a power of four, so
that there are few forms of one statement: to compile one takes as long as to run it often.

A mark that the ORM has changed or left out would go to the database in place of its value, so each
has to be found again when the statement is compiled.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter, itemgetter, methodcaller
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import Query, UpdateQuery
from django.db.models.sql.compiler import SQLUpdateCompiler

from audit import planned
from audit.reading import converter

Database = BaseDatabaseWrapper
"""Itself: to ask `django.db.connection` for something takes a look-up each time."""

Value = datetime | UUID | str | Sequence[UUID] | Sequence[int]
Build = Callable[..., Query]
Row = tuple[Any, ...]
Place = tuple[int, str, int | None]
Convert = Callable[[Any], Any]

_NOW = datetime(1970, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
_KEY = 0x6D61726B << 90
_NUMBER = 7_000_000_000_000

_PAIR = 2
"""Marks that stand for a list which goes as an array."""

_BITS = 10
"""Of a list's length: longer ones are filled up to a power of two, since SQL Server takes no more
than 2,100 values in a statement."""

_MARKS = re.compile(r"IN \(%s, %s\)|%s")


@dataclass(frozen=True)
class _Statement:
    sql: str
    parts: tuple[Any, ...]
    """Its parameters, with marks in the places of values."""

    places: tuple[Place, ...]
    """Where a mark stands: its place among the parts, the value's name, the place in its list, or
    none if the list as a whole stands there."""

    converters: Mapping[int, Sequence[Convert]]
    """By a column's place: what makes its values Python's, one after the other."""

    def filled(self, values: Mapping[str, list[Any]]) -> list[Any]:
        """Return the parameters with values in place of their marks."""
        parts = list(self.parts)
        for place, name, number in self.places:
            parts[place] = values[name] if number is None else values[name][number]
        return parts

    def converted(self, rows: list[Row]) -> list[Row]:
        """Return rows of the driver's values with Python's in their place."""
        if not self.converters or not rows:
            return rows
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for place, converters in self.converters.items():
            for convert in converters:
                columns[place] = map(convert, columns[place])
        return list(zip(*columns, strict=True))


@dataclass(frozen=True)
class Found:
    """What a statement has found. Two are equal if the database gave the same rows."""

    _rows: list[Row]
    _statement: _Statement | None = field(compare=False)

    def columns(self, places: Sequence[int]) -> Found:
        """Return what a statement for some of the columns would have found."""
        return Found(list(map(itemgetter(*places), self._rows)), None)

    def rows(self) -> list[Row]:
        """Return the rows, of Python's values."""
        return self._rows if self._statement is None else self._statement.converted(self._rows)


class _Known(threading.local):
    """Statements by their form: each thread's own, like the connection they are compiled for."""

    def __init__(self) -> None:
        self.statements: dict[Hashable, _Statement | None] = {}


class Compiled:
    """One statement, of which the values are filled in."""

    def __init__(self, build: Build) -> None:
        """Take what builds it from its values, and from what it may not change after (`shape`)."""
        self._build = build
        self._known = _Known()

    def rows(self, *shape: Hashable, **values: Value) -> list[Row]:
        """Return the rows. One that locks has to be asked inside a transaction.

        Args:
            shape: What else the statement depends on; it is compiled anew for each.
            values: Under the names by which `build` takes them.
        """
        return self.found(*shape, **values).rows()

    def found(self, *shape: Hashable, **values: Value) -> Found:
        """Return the rows as `rows` does, to be compared with those of another time."""
        database = connections[DEFAULT_DB_ALIAS]
        statement, parts = self._filled(database, shape, values)
        if statement is None:
            return Found([], None)
        rows = planned.run(database, statement.sql, parts, methodcaller("fetchall"))
        return Found(rows, statement)

    def change(self, *shape: Hashable, **values: Value) -> int:
        """Run one that changes rows, and return how many."""
        database = connections[DEFAULT_DB_ALIAS]
        statement, parts = self._filled(database, shape, values)
        if statement is None:
            return 0
        changed: int = planned.run(database, statement.sql, parts, attrgetter("rowcount"))
        return changed

    def _filled(
        self, database: Database, shape: tuple[Hashable, ...], values: Mapping[str, Value]
    ) -> tuple[_Statement | None, list[Any]]:
        sizes = tuple(_size(value, database) for value in values.values())
        key = (database.vendor, shape, tuple(values), sizes)
        known = self._known.statements
        if key not in known:
            known[key] = _compile(self._build, shape, values, database)
        statement = known[key]
        if statement is None:
            return None, []
        pairs = zip(values.items(), sizes, strict=True)
        return statement, statement.filled(
            {name: _adapted(_full(value, size), database) for (name, value), size in pairs}
        )


def change_of(rows: models.QuerySet[Any], **values: Any) -> Query:
    """Return the query of `rows.update(**values)`, without running it."""
    query: Any = rows.query.chain(UpdateQuery)
    query.add_update_values(values)
    query.clear_ordering(force=True)
    found: Query = query
    return found


def _compile(
    build: Build, shape: tuple[Hashable, ...], values: Mapping[str, Value], database: Database
) -> _Statement | None:
    marks = {
        name: _mark(value, place, _size(value, database))
        for place, (name, value) in enumerate(values.items())
    }
    try:
        compiler = build(*shape, **marks).get_compiler(connection=database)
        sql, parts = compiler.as_sql()
    except EmptyResultSet:
        return None
    found = {
        part: (name, number)
        for name, mark in marks.items()
        for number, part in enumerate(_adapted(mark, database))
    }
    lost = [name for part, (name, _) in found.items() if part not in parts]
    if lost:
        raise AssertionError(f"the statement of {build.__qualname__} does not have its {lost[0]}")
    places: list[Place] = [
        (place, *found[part]) for place, part in enumerate(parts) if part in found
    ]
    if _takes_arrays(database):
        sql, parts, places = _gathered(sql, parts, places)
    converters: dict[int, list[Convert]] = {}
    if not isinstance(compiler, SQLUpdateCompiler):
        selected = [column for column, *_ in compiler.select[: compiler.col_count]]
        for place, (some, column) in compiler.get_converters(selected).items():
            converters[place] = [converter(convert, column, database) for convert in some]
    return _Statement(sql, tuple(parts), tuple(places), converters)


def _takes_arrays(database: Database) -> bool:
    return database.vendor == "postgresql"


def _gathered(
    sql: str, parts: Sequence[Any], places: Iterable[Place]
) -> tuple[str, list[Any], list[Place]]:
    """Return a statement in which each list of keys, of two marks, is one array."""
    marks = {place: (name, number) for place, name, number in places}
    few: list[Any] = []
    found: list[Place] = []
    place = 0

    def gather(match: re.Match[str]) -> str:
        nonlocal place
        here = [marks.get(place + each) for each in range(match[0].count("%s"))]
        name, _ = here[0] or ("", None)
        is_whole = len(here) == _PAIR and here[1] == (name, 1)
        if is_whole:
            found.append((len(few), name, None))
            few.append(None)
        else:
            found.extend((len(few) + at, *mark) for at, mark in enumerate(here) if mark)
            few.extend(parts[place : place + len(here)])
        place += len(here)
        return "= ANY(%s)" if is_whole else match[0]

    gathered = _MARKS.sub(gather, sql)
    if place != len(parts):
        raise AssertionError(f"{place} places are seen for {len(parts)} parameters: {sql}")
    apart = [name for _, name, number in found if number]
    if apart:
        raise AssertionError(f"the list of {apart[0]} stands in no IN of its own: {sql}")
    return gathered, few, found


def _size(value: Value, database: Database) -> int:
    """Return with how many keys a list stands in the statement; -1 if it is none."""
    if isinstance(value, str | datetime | UUID):
        return -1
    if _takes_arrays(database):
        return min(len(value), _PAIR)
    if not value:
        return 0
    bits = (len(value) - 1).bit_length()
    return 1 << (bits + bits % 2 if bits <= _BITS else bits)


def _full(value: Value, size: int) -> Value:
    """Return a list filled up to a size by repeating its last; anything else as it is."""
    if isinstance(value, str | datetime | UUID) or len(value) >= size or not value:
        return value
    keys: list[Any] = list(value)
    return keys + [keys[-1]] * (size - len(keys))


def _mark(value: Value, place: int, size: int) -> Any:
    """Return a value of the same kind that stands in no real statement."""
    match value:
        case datetime():
            return _NOW + timedelta(days=place)
        case UUID():
            return UUID(int=_KEY + (place << 32))
        case str():
            return f"value {place} to be filled in"
    keys: Sequence[Any] = value
    if keys and isinstance(keys[0], UUID):
        return [UUID(int=_KEY + (place << 32) + number) for number in range(size)]
    return [_NUMBER + (place << 24) + number for number in range(size)]


def _adapted(value: Value, database: Database) -> list[Any]:
    """Return a value, or those of a list, as the database's driver takes them."""
    match value:
        case datetime():
            return [database.ops.adapt_datetimefield_value(value)]
        case str():
            return [value]
    keys: list[Any] = [value] if isinstance(value, UUID) else list(value)
    if not keys or isinstance(keys[0], int) or database.features.has_native_uuid_field:
        return keys
    return [key.hex for key in keys]
