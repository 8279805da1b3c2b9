"""Statements that PostgreSQL plans once for many times, where the settings let it prepare them.

To plan a statement on a few rows takes the server several times as long as to run it. A plan that
is kept may have been made for a quieter hour, so kept plans are dropped every few seconds; and the
server keeps one only where it reckons that those made for each time cost more.

A prepared statement may not hold any more: a migration has changed a column under it, or a pooler
has handed out another session. That is an error, which `is_lost` knows, and the connection does
not prepare from then on, so that whoever tries again succeeds. It is never somebody else's
statement under the same name, since names begin at a random number.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import count
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")

_KEPT = 10.0
"""Seconds for which plans are kept."""

_LOST = {
    "0A000": "a column that is read has got another type",
    "42804": "a column that is written has got another type",
    "42883": "a column that is compared has got another type",
    "26000": "the session is another than the one in which it was prepared",
    "42P05": "the session is another, in which one of the same name was prepared",
}
"""PostgreSQL's codes for a statement that may not hold as it was prepared, and what has happened
then. The error is told so in a note, by which it is known again: where nothing was prepared, the
same code means what it says."""

_MARKS = re.compile("%([s%])")

_planned: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
"""When a connection of the driver's last began to plan, on the monotonic clock."""


def cursor(database: BaseDatabaseWrapper) -> Any:
    """Return a cursor of Django's for statements that are run again and again.

    On PostgreSQL with `prepare_threshold` among its OPTIONS, they are prepared. Elsewhere it is an
    ordinary one, and where queries are logged: a prepared one would be without its values there.
    """
    if database.vendor != "postgresql" or database.queries_logged:
        return database.cursor()
    database.close_if_health_check_failed()
    database.ensure_connection()
    database.validate_thread_sharing()
    raw: Any = database.connection
    if raw.prepare_threshold is None:
        return database.cursor()
    _look_after(raw, database)
    return database.make_cursor(_preparing()(raw))


def run(database: BaseDatabaseWrapper, sql: str, params: Any, take: Callable[[Any], T]) -> T:
    """Run a statement and return what `take` takes from its cursor.

    Outside of a transaction, one that was lost is run once more.
    """
    try:
        with cursor(database) as once:
            once.execute(sql, params)
            return take(once)
    except DatabaseError as error:
        if database.in_atomic_block or not is_lost(error):
            raise
    with cursor(database) as again:
        again.execute(sql, params)
        return take(again)


def is_lost(error: DatabaseError) -> bool:
    """Return whether a prepared statement did not hold any more, so that a second try will do."""
    return not set(_LOST.values()).isdisjoint(getattr(error.__cause__, "__notes__", ()))


def _look_after(raw: Any, database: BaseDatabaseWrapper) -> None:
    """Give a new connection's statements names of their own; drop plans that are old."""
    now = time.monotonic()
    if raw not in _planned:
        _planned[raw] = now
        # The driver has no other way to say so, and a test tells when it has none of this either.
        raw._prepared._prepared_idx = secrets.randbits(48)
    elif now - _planned[raw] > _KEPT:
        _planned[raw] = now
        with database.wrap_database_errors:
            raw.execute("DISCARD PLANS")


@lru_cache(maxsize=512)
def _native(sql: str) -> bytes:
    """Return a statement with PostgreSQL's own marks, `$1` and on, in place of `%s`.

    The driver does the same, but remembers only what has few of them.
    """
    numbers = count(1)
    return _MARKS.sub(lambda mark: f"${next(numbers)}" if mark[1] == "s" else "%", sql).encode()


@cache
def _preparing() -> type[Any]:
    from psycopg import Error, RawCursor  # noqa: PLC0415  (not there where SQLite is used)

    class PreparingCursor(RawCursor[Any]):
        def execute(self, query: Any, params: Any = None, **_: Any) -> Any:
            try:
                return super().execute(_native(query), params, prepare=True)
            except Error as error:
                if error.sqlstate in _LOST:
                    self.connection.prepare_threshold = None
                    error.add_note(_LOST[error.sqlstate])
                raise

    return PreparingCursor
