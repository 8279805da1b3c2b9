"""One guard as the database knows it: a trigger, and how to tell that it is still the one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import truncate_name

from workflow.models.guards.rules import PREFIX


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """A trigger's name, the statements that make or replace it, and its marks.

    The marks are texts that the database's own account of the trigger contains as long as it is
    the one we made: neither an older release's, nor one with its teeth drawn.
    """

    name: str
    create: tuple[str, ...]
    marks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """How this database writes names, and that two values differ, nulls included."""

    quote: Callable[[str], str]
    longest: int | None
    differs: str
    schema: str = ""

    @classmethod
    def of(cls, connection: BaseDatabaseWrapper, schema: str = "") -> Names:
        """Return the way of a connection's database; asks no server."""
        return cls(
            quote=connection.ops.quote_name,
            longest=connection.ops.max_name_length(),
            differs="IS NOT" if connection.vendor == "sqlite" else "IS DISTINCT FROM",
            schema=schema,
        )

    def guard(self, table: str, what: str) -> str:
        """Return the unquoted name of a guard, shortened with a digest where it is too long."""
        return truncate_name(f"{PREFIX}_{table}_{what}", self.longest)

    def columns(self, columns: Iterable[str], of: str = "") -> str:
        """Return the columns separated by commas, each of the row or alias named."""
        before = f"{of}." if of else ""
        return ", ".join(f"{before}{self.quote(column)}" for column in columns)


def text(value: str) -> str:
    """Return the value as an SQL string."""
    return "'" + value.replace("'", "''") + "'"


def fingerprint(*statements: str) -> str:
    """Return 16 hex digits that stand for the statements."""
    return hashlib.sha256("\0".join(statements).encode()).hexdigest()[:16]
