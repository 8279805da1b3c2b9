"""Connections that are cut, and a server that lets nobody in: work goes on by itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from tests.crash.conftest import Ask, Make, Start
from tests.crash.invariants import faults, unfinished
from tests.crash.polling import fired, until
from workflow.models import Attempt, State, TransitionEnvelope

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

Cut = Callable[[], int]


@pytest.fixture
def cut(transactional_db: None) -> Cut:
    """Cut every connection to the database but this process's own; return how many there were."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection that could be cut")

    def cut() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return int(cursor.fetchone()[0])

    return cut


def test_while_idle(work: Start, make: Make, ask: Ask, cut: Cut) -> None:
    cluster = work(workers=3)
    fired(ask(make(30)), seconds=15)
    records = make(30)
    assert cut() >= 3, "pusher, supervisor and at least one worker are connected"

    fired(ask(records), seconds=15)

    assert cluster.restarts == 0
    assert not faults()
    assert not unfinished()


def test_while_busy(work: Start, make: Make, ask: Ask, cut: Cut, tmp_path: Path) -> None:
    """What it was in the middle of is rolled back and done again, at once or handed back."""
    cluster = work(workers=3)
    sign = tmp_path / "inside"
    (held,) = ask(make(1), "act", payload={"act": "hold", "sign": str(sign)})
    until(sign.exists, seconds=10, what="inside")
    others = ask(make(30))

    assert cut() >= 2
    sign.unlink()
    fired(others, seconds=15)
    these = TransitionEnvelope.objects.filter(pk=held, state=State.FIRED)
    until(lambda: sign.unlink(missing_ok=True) or these.exists(), seconds=15)

    endings = Attempt.objects.filter(envelope=held).values_list("ending", flat=True)
    assert list(endings) in (["fired"], ["interrupted", "fired"])
    assert "terminating connection" in cluster.text()
    assert cluster.restarts == 0
    assert not faults()
    assert not unfinished()


def test_again_and_again_under_load(work: Start, make: Make, ask: Ask, cut: Cut) -> None:
    cluster = work(workers=3, BATCH_SIZE=5)
    names = ask(make(400))
    these = TransitionEnvelope.objects.filter(pk__in=names, state=State.FIRED)
    cuts = 0
    for goal in (40, 120, 200, 280, 360):
        until(lambda goal=goal: these.count() >= goal, seconds=20, what=f"{goal} fired")
        cuts += cut()
    fired(names, seconds=20)

    assert cuts >= 5, "each hits the worker that goes on, at least"
    assert cluster.supervisor.poll() is None
    assert not faults()
    assert not unfinished()


@contextmanager
def away() -> Iterator[None]:
    """Let nobody new into the database meanwhile."""
    import psycopg

    name = connection.settings_dict["NAME"]
    parts = urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(urlunsplit(parts._replace(scheme="postgresql")), autocommit=True) as bare:
        bare.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            yield
        finally:
            bare.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_a_server_that_is_away_for_a_while(work: Start, make: Make, ask: Ask, cut: Cut) -> None:
    cluster = work(workers=3)
    fired(ask(make(30)), seconds=15)
    records = make(30)
    with away():
        cut()
        until(lambda: cluster.text().count("database.away") >= 4, seconds=20, what="noticed")
        names = ask(records)
    fired(names, seconds=15)

    assert cluster.supervisor.poll() is None
    assert not faults()
    assert not unfinished()
