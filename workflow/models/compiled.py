"""Queries that are asked many times a second: built once, and then only filled in.

The ORM takes several times as long to build such a query as a database does to answer it, and a
worker asks a handful of them for each batch, however small.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models.sql import Query

_NOW = datetime(1970, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
_NAME = "name to be filled in"

Build = Callable[..., Query]


class Compiled:
    """One query, of which a time and a name are filled in."""

    def __init__(self, build: Build) -> None:
        """Take what builds it, from `now` and `name`, and from what it may not change after."""
        self._build = build
        self._known: dict[Hashable, tuple[str, tuple[Any, ...]]] = {}

    def rows(self, *shape: Hashable, now: datetime, name: str = "") -> list[tuple[Any, ...]]:
        """Return the rows, with values as the driver gives them.

        One that locks has to be asked inside a transaction.

        Args:
            shape: What else the query depends on; it is built anew for each.
        """
        key = (connection.vendor, *shape)
        if key not in self._known:
            try:
                sql, parts = self._build(*shape, now=_NOW, name=_NAME).sql_with_params()
            except EmptyResultSet:
                return []
            self._known[key] = sql, parts
        sql, parts = self._known[key]
        adapt = connection.ops.adapt_datetimefield_value
        filled = {adapt(_NOW): adapt(now), _NAME: name}
        with connection.cursor() as cursor:
            cursor.execute(sql, [filled.get(part, part) for part in parts])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
