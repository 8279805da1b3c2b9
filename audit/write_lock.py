"""Waiting for SQLite's one write lock, in small steps.

SQLite's own way to wait sleeps longer each time, up to a tenth of a second, while the lock comes
free every few milliseconds: its holder has it again before anybody wakes, and one worker does the
work of all. Here whoever begins a transaction looks every millisecond, and the lock goes round. No
longer than before: the connection's time-out holds. Who watches the queries sees each look. A
write outside of a transaction waits as ever.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

_STEP = 0.001
"""Seconds between two looks."""

_PRIMARY = 0xFF
"""The part of SQLite's error codes that is not the more exact one."""

_TIMEOUT = 5.0
"""Seconds: the time-out of Python's driver, where the settings do not say one."""


def wait_in_steps(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Have a connection to SQLite wait so. A receiver of `connection_created`."""
    wrappers = connection.execute_wrappers
    if connection.vendor == "sqlite" and _begin not in wrappers:
        wrappers.insert(0, _begin)  # whoever watches for a while takes the last one away


def _begin(run: Callable[..., Any], sql: str, params: Any, *about: Any) -> Any:
    if not sql.startswith("BEGIN "):
        return run(sql, params, *about)
    database: BaseDatabaseWrapper = about[-1]["connection"]
    timeout = float(database.settings_dict["OPTIONS"].get("timeout", _TIMEOUT))
    began = time.monotonic()
    try:
        _busy_timeout(database, 0)
        while True:
            try:
                return run(sql, params, *about)
            except OperationalError as error:
                waited = time.monotonic() - began
                if not _is_busy(error) or waited >= timeout:
                    raise
                time.sleep(_STEP)
    finally:
        _busy_timeout(database, timeout)


def _busy_timeout(database: BaseDatabaseWrapper, seconds: float) -> None:
    database.connection.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")


def _is_busy(error: OperationalError) -> bool:
    """Return whether somebody else has the lock, or recovers the log after a crash."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0)
    return bool(code & _PRIMARY == sqlite3.SQLITE_BUSY)
