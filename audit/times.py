"""Times that PostgreSQL sends, read by the interpreter's own parser.

The driver has a quick reader of its own, which Django replaces by one in Python that takes a
pattern apart: a batch of a worker holds thousands of times, and they took a twentieth of its
processor time. A connection whose times come as UTC gets this reader; others keep Django's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any


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
