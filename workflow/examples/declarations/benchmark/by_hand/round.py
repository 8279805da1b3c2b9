"""Rounds with the yardstick, in the same form as those with the engine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from workflow.examples.declarations.benchmark.by_hand import loop, tables
from workflow.examples.declarations.benchmark.by_hand.connect import connect
from workflow.examples.declarations.benchmark.processes import Processes
from workflow.models.identity import uuid7

_LOOK = 0.02
_PATIENCE = 600.0


class ByHand:
    """Makes records, asks, and waits."""

    def __init__(self, *, processes: Processes, sink: str) -> None:
        with connection.cursor() as cursor:
            tables.make(cursor, connection.vendor)
        self._db = connect(os.environ["DATABASE_URL"])
        self._processes = processes
        self._sink = sink

    def records(self, count: int) -> list[UUID]:
        """Make so many records."""
        made = sorted(uuid7() for _ in range(count))
        amount = Decimal("12.50") if connection.vendor != "sqlite" else 12.5
        with self._db.transaction():
            self._db.many(
                "insert into hand_record (id, reference, status, version, amount, changed_at)"
                " values (%s, %s, 'submitted', 0, %s, %s)",
                [(each, each.hex, amount, datetime.now(UTC)) for each in made],
            )
        return made

    def ask_all(self, records: list[UUID]) -> None:
        """Ask for many approvals, in batches."""
        for first in range(0, len(records), 200):
            loop.request(self._db, records[first : first + 200], datetime.now(UTC))

    @contextmanager
    def workers(self, count: int) -> Iterator[None]:
        """Run its workers."""
        with self._processes.by_hand(count, sink=self._sink):
            yield

    def began(self, since: datetime) -> datetime:
        """Return when the first approval since then was taken up."""
        stored = since if connection.vendor != "sqlite" else str(since)
        sql = "select min(claimed_at) from hand_envelope where claimed_at >= %s"
        found = self._db.all(sql, [stored])[0][0]
        return found if isinstance(found, datetime) else datetime.fromisoformat(found)

    def await_all(self) -> None:
        """Return when every approval and every call has ended."""
        until = time.monotonic() + _PATIENCE
        while self._db.all(
            "select 1 from hand_envelope where due_at is not null union all"
            " select 1 from hand_effect where due_at is not null limit 1"
        ):
            if time.monotonic() > until:
                raise TimeoutError(f"Not done within {_PATIENCE:g} s.")
            time.sleep(_LOOK)
