"""Records and envelopes to attack, and what being refused means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.db import DatabaseError, connection, transaction

from tests.workflow.models.guards.rows import make_envelope, make_record
from workflow.models import Record, TransitionEnvelope, guards

Refused = Callable[[str], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _guarded(db: None) -> None:
    """See that the guards are in place: a database without would pass what is permitted."""
    assert guards.missing(connection) == []


@pytest.fixture
def refused() -> Refused:
    """Expect the database to refuse what is tried, in these words, and to go on working."""

    @contextmanager
    def refusing(words: str) -> Iterator[None]:
        with (
            pytest.raises(DatabaseError, match=f"^escapement: .*({words})"),
            transaction.atomic(),
        ):
            yield

    return refusing


@pytest.fixture
def record() -> Record:
    return make_record()


@pytest.fixture
def envelope(record: Record) -> TransitionEnvelope:
    return make_envelope(record)
