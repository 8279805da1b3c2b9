"""Recognising the error by which a database ends one of two that wait for each other."""

from __future__ import annotations

from django.db import DatabaseError

_SQLSTATE = "40P01"
"""PostgreSQL's, whatever language its messages are in."""

_WORD = "deadlock"
"""In SQL Server's message 1205: "was deadlocked on lock resources"."""


def is_deadlock(error: DatabaseError) -> bool:
    """Return whether nothing was written because of a deadlock, so that a second try may do."""
    state = getattr(error.__cause__, "sqlstate", None)
    return state == _SQLSTATE if state else _WORD in str(error).lower()
