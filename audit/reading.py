"""What databases send, made Python's values quickly: a batch of a worker holds thousands.

PostgreSQL's times are read by the interpreter's own parser. The driver has a quick reader too,
which Django replaces by one in Python that takes a pattern apart. SQLite sends ids and times as
texts, of which a batch has the same ones again and again: each is made a value once. A connection
whose times are not in UTC keeps Django's ways.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.dateparse import parse_datetime

_AT_HAND = 8192
"""Texts of which the values are kept: of ids 2 MB, of times 4."""


def read_quickly(*, connection: Any, **_: Any) -> None:
    """Give a new connection to PostgreSQL the quick reader. A receiver of `connection_created`."""
    if connection.vendor != "postgresql" or connection.timezone is not UTC:
        return
    from psycopg import adapters, pq  # noqa: PLC0415  (not there where SQLite is used)

    own = connection.connection.adapters
    usual = own.get_loader(adapters.types["timestamptz"].oid, pq.Format.TEXT)
    if usual.timezone is UTC and not hasattr(usual, "is_quick"):
        own.register_loader("timestamptz", quick(usual))


@cache
def quick(usual: type[Any]) -> type[Any]:
    """Return a reader of UTC times that leaves to the usual one what it cannot read.

    Times before Christ, after the year 9999 and without end are such; the usual one refuses them.
    """

    class QuickLoader(usual):  # type: ignore[misc]  # a class that is known at run time
        is_quick = True

        def load(self, data: Any) -> datetime:
            try:
                at = datetime.fromisoformat(bytes(data).decode())
            except ValueError:
                at = None
            if at is not None and at.tzinfo is UTC:
                return at
            read: datetime = super().load(data)
            return read

    return QuickLoader


def remember_times() -> None:
    """Have SQLite's driver make each text of a time a value once.

    As Django has it do it, for the whole process; what is no time is read as none at all.
    """

    @lru_cache(maxsize=_AT_HAND)
    def read(sent: bytes) -> datetime | None:
        return parse_datetime(sent.decode())

    for kind in ("datetime", "timestamp"):
        sqlite3.register_converter(kind, read)


def converter(
    convert: Callable[..., Any], column: Any, database: BaseDatabaseWrapper
) -> Callable[[Any], Any]:
    """Return what does to a value of a column what the ORM's converter does."""
    if database.vendor == "sqlite":
        usual: Any = database.ops
        if convert == usual.convert_uuidfield_value:
            return _uuid
        if convert == usual.convert_datetimefield_value and database.timezone is UTC:
            return _time
    return lambda value: convert(value, column, database)


@lru_cache(maxsize=_AT_HAND)
def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


@lru_cache(maxsize=_AT_HAND)
def _time(sent: str | datetime | None) -> datetime | None:
    """Return the time in UTC of one that is read, or that an expression leaves as a text."""
    at = parse_datetime(sent) if isinstance(sent, str) else sent
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
