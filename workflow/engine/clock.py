"""Whose clock rules: the database's.

Leases, due times and deadlines are compared by many hosts. If each used its own clock, a host that
runs ahead would take over work whose worker is alive. (The fence would still keep the result
right; the work would be done twice for nothing.) So each process measures how far its clock is
from the database's, and adds that. It asks again every half minute; between, it trusts its own
monotonic clock, which no administrator can set back. SQLite shares the host's clock.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from django.db import connection

_TRUST = 30.0
"""Seconds that one measurement is relied on."""

_QUESTIONS = {
    "postgresql": "SELECT clock_timestamp()",
    "microsoft": "SELECT SYSUTCDATETIME()",
}


class _Measurement:
    """The database's time at one instant of this process's monotonic clock."""

    database: datetime | None = None
    monotonic: float = 0.0


_last = _Measurement()


def now() -> datetime:
    """Return the database's present time, aware, in UTC. Only entry points call this."""
    question = _QUESTIONS.get(connection.vendor)
    if question is None:
        return datetime.now(UTC)
    since = time.monotonic() - _last.monotonic
    if _last.database is None or since > _TRUST:
        with connection.cursor() as cursor:
            cursor.execute(question)
            told = cursor.fetchone()[0]
        _last.database = told if told.tzinfo else told.replace(tzinfo=UTC)
        _last.monotonic = time.monotonic()
        since = 0.0
    return (_last.database + timedelta(seconds=since)).astimezone(UTC)
