"""The yardstick's way to the database: the driver itself, one interface for two of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID


class Connection(Protocol):
    """What the loop needs."""

    skip_locked: str
    for_update: str

    def transaction(self) -> Any:
        """Return a block that commits at its end."""

    def places(self, values: Sequence[Any]) -> str:
        """Return as many placeholders."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Execute once."""

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute for each row, in one go."""

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows."""


def connect(url: str) -> Connection:
    """Open a connection by a DATABASE_URL."""
    if url.startswith("sqlite:"):
        return _SQLite(url.removeprefix("sqlite:///"))
    return _PostgreSQL(url)


class _PostgreSQL:
    skip_locked = " for update skip locked"
    for_update = " for update"

    def __init__(self, url: str) -> None:
        import psycopg  # noqa: PLC0415  (not there where SQLite is used)

        self._raw = psycopg.connect(urlsplit(url)._replace(scheme="postgresql").geturl())
        self._raw.autocommit = True

    def transaction(self) -> Any:
        return self._raw.transaction()

    def places(self, values: Sequence[Any]) -> str:
        return ", ".join(["%s"] * len(values))

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        self._raw.execute(sql, list(values) or None)

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._raw.cursor() as cursor:
            cursor.executemany(sql, rows)

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._raw.execute(sql, list(values) or None).fetchall()


class _SQLite:
    skip_locked = ""
    for_update = ""

    def __init__(self, path: str) -> None:
        self._raw = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._raw.execute("pragma journal_mode=wal")
        self._raw.execute("pragma synchronous=full")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._raw.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._raw.execute("rollback")
            raise
        self._raw.execute("commit")

    def places(self, values: Sequence[Any]) -> str:
        return ", ".join(["?"] * len(values))

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        self._raw.execute(sql.replace("%s", "?"), [_plain(each) for each in values])

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        plain = [[_plain(each) for each in row] for row in rows]
        self._raw.executemany(sql.replace("%s", "?"), plain)

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        plain = [_plain(each) for each in values]
        return self._raw.execute(sql.replace("%s", "?"), plain).fetchall()


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    return str(value) if isinstance(value, datetime) else value
