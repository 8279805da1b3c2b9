"""Statements that PostgreSQL plans once for many times, where the settings let it prepare them.

To plan a statement on a few rows takes the server several times as long as to run it. A plan that
is kept may have been made for a quieter hour, so kept plans are dropped every few seconds; and the
server keeps one only where it costs no more than those made for the values of the time.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

_KEPT = 10.0
"""Seconds for which plans are kept."""

_LOST = {
    "0A000": "a migration has changed the type of a column meanwhile",
    "26000": "a pooler has handed out another session than the one that prepared it",
    "42P05": "a pooler has handed out a session in which somebody else prepared one",
}
"""PostgreSQL's codes for a statement that cannot be run as it was prepared, and the causes."""

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
    _drop_old_plans(raw)
    return database.make_cursor(_preparing()(raw))


def _drop_old_plans(raw: Any) -> None:
    now = time.monotonic()
    if now - _planned.setdefault(raw, now) > _KEPT:
        _planned[raw] = now
        raw.execute("DISCARD PLANS")


def is_lost(error: DatabaseError) -> bool:
    """Return whether a prepared statement did not hold any more, so that a second try will do."""
    return getattr(error.__cause__, "sqlstate", None) in _LOST


@cache
def _preparing() -> type[Any]:
    from psycopg import Cursor, Error  # noqa: PLC0415  (not there where SQLite is used)

    class PreparingCursor(Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **_: Any) -> Any:
            try:
                return super().execute(query, params, prepare=True)
            except Error as error:
                if error.sqlstate in _LOST:
                    # Whoever tries again does so without; its transaction is lost in any case.
                    self.connection.prepare_threshold = None
                raise

    return PreparingCursor
