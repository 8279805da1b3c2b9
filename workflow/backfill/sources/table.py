"""A legacy table, read through one of Django's connections.

Written `table:NAME` or `table:ALIAS/NAME`; a view does as well, and is where a join belongs. Rows
come in the order of its first column, which ought to be its key, and are numbered by that where it
is a whole number, so that a row keeps its number while the table grows.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, connections
from django.utils.connection import ConnectionDoesNotExist

from workflow.backfill.sources.row import Bad, Row, UnreadableSource

_AT_ONCE = 2000


class Table:
    """One table or view."""

    def __init__(self, given: str) -> None:
        """Take `NAME` or `ALIAS/NAME`.

        Raises:
            UnreadableSource: There is no such database or table.
        """
        alias, _, self._name = given.rpartition("/")
        try:
            self._connection = connections[alias or "default"]
        except ConnectionDoesNotExist as error:
            raise UnreadableSource(f"table:{given}", str(error)) from None
        with self._connection.cursor() as cursor:
            found = self._connection.introspection.table_names(cursor, include_views=True)
        if self._name not in found:
            raise UnreadableSource(f"table:{given}", "there is no such table or view")
        self._columns = self._described()

    def digest(self) -> str:
        """Return nothing: a table may change while it is read."""
        return ""

    def columns(self) -> tuple[str, ...]:
        """Return its columns."""
        return self._columns

    def rows(self) -> Iterator[Row | Bad]:
        """Yield the rows in pages by key, so that no cursor stays open while rows are adopted."""
        quote = self._connection.ops.quote_name
        key = quote(self._columns[0])
        named = ", ".join(quote(column) for column in self._columns)
        number = 0
        last: Any = None
        while True:
            where = "" if last is None else f"WHERE {key} > %s"
            page = self._page(
                f"SELECT {named} FROM {quote(self._name)} {where} ORDER BY {key}",  # noqa: S608
                [] if last is None else [last],
            )
            for values in page:
                number = values[0] if isinstance(values[0], int) else number + 1
                yield Row(number, dict(zip(self._columns, map(_plain, values), strict=True)))
            if len(page) < _AT_ONCE:
                return
            last = page[-1][0]

    def _page(self, sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        limit = (
            f" OFFSET 0 ROWS FETCH NEXT {_AT_ONCE} ROWS ONLY"
            if self._connection.vendor == "microsoft"
            else f" LIMIT {_AT_ONCE}"
        )
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql + limit, parameters)
                return list(cursor.fetchall())
        except DatabaseError as error:
            raise UnreadableSource(f"table:{self._name}", str(error)) from error

    def _described(self) -> tuple[str, ...]:
        quoted = self._connection.ops.quote_name(self._name)
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {quoted} WHERE 1 = 0")  # noqa: S608  (quoted)
            return tuple(column[0] for column in cursor.description)


def _plain(value: Any) -> Any:
    """Return a value that JSON knows, as it would stand in a file."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
