"""What a woken worker does about its connection: it finds out by working."""

from __future__ import annotations

from contextlib import closing

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections
from structlog.testing import capture_logs

from tests.engine.conftest import Ask, Make
from workflow.models import State, TransitionEnvelope
from workflow.worker import loop

pytestmark = pytest.mark.django_db(transaction=True)


def _fired() -> int:
    return TransitionEnvelope.objects.filter(state=State.FIRED).count()


def test_it_does_not_ask_first_whether_the_database_is_there(
    make: Make, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(make())
    own = connections[DEFAULT_DB_ALIAS]
    monkeypatch.setattr(own, "health_check_enabled", True)
    monkeypatch.setattr(own, "health_check_done", False)  # as django-q2 leaves it
    monkeypatch.setattr(own, "is_usable", lambda: pytest.fail("a round trip"))
    loop.run()
    assert _fired() == 1


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no sessions to end")
def test_after_a_lost_session_the_next_turn_does_the_work(make: Make, ask: Ask) -> None:
    ask(make())
    with connection.cursor() as cursor:
        own = cursor.execute("SELECT pg_backend_pid()").fetchone()[0]
    another = connections[DEFAULT_DB_ALIAS].copy()
    with closing(another), another.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [own])
    with capture_logs() as logs:
        loop.run()
        loop.run()
    assert [line["event"] for line in logs].count("database.away") == 1
    assert _fired() == 1
