"""Taking the database's guards away for a moment, which only a test may do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from workflow.models import guards


@contextmanager
def lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Remove the guards, and put them back afterwards, whatever happens meanwhile.

    For the flush after a transactional test, which empties every table. Nothing else has a reason
    to lift them: a test that needs a row in a certain state brings it there through the engine.
    Takes some milliseconds. While it lasts, the guards are gone for every connection.
    """
    with transaction.atomic(using=connection.alias):
        guards.remove(connection)
    try:
        yield
    finally:
        with transaction.atomic(using=connection.alias):
            guards.install(connection)
