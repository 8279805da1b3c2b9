"""Settings of the connection that adopts: what suits many inserts and harms nobody else."""

from __future__ import annotations

from django.db import connection

_SQLITE = (
    # Ids are spread evenly, so an insert touches pages anywhere in an index. Pages that stay in
    # memory are not read again, and are written once a checkpoint rather than once a batch.
    "PRAGMA cache_size = -131072",
    "PRAGMA wal_autocheckpoint = 20000",
)


def tune() -> None:
    """Tune this process's connection, where its database has anything to tune."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for statement in _SQLITE:
                cursor.execute(statement)
