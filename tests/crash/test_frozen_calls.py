"""The two traps of look-ups: a worker that wakes after its lease, and a call that lands late."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from sqlite3 import OperationalError, connect
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection

from audit.models import Entry
from tests.crash.cluster import is_alive
from tests.crash.conftest import Start
from tests.crash.dispatching import WITHIN, Desk, stopped
from tests.crash.invariants import faults
from tests.crash.polling import until
from workflow.engine.boundary import Boundary
from workflow.models import TransitionEnvelope
from workflow.testing.downstream import Fault, Faults, Simulators, simulators

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def frozen_at(boundary: Boundary, desk: Desk, deaths: Path) -> tuple[UUID, int]:
    """Have a worker stop in its call's thread, with no transaction open in its own.

    One that stops while it holds SQLite's only lock stops everybody; see `test_frozen`.
    """
    for _ in range(10):
        (deaths / boundary).write_text("stop")
        name = desk.ask("pay")
        frozen = stopped(deaths, boundary)
        if is_writable():
            return name, frozen
        os.kill(frozen, signal.SIGCONT)
        until(lambda: desk.is_settled([name]), seconds=WITHIN, what="settled")  # noqa: B023
    raise AssertionError("it always stopped with a transaction open")


def is_writable() -> bool:
    if connection.vendor != "sqlite":
        return True
    with connect(connection.settings_dict["NAME"], timeout=1, isolation_level=None) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except OperationalError:
            return False
        other.execute("ROLLBACK")
    return True


SHORT = {"LEASE_SECONDS": 2, "SEND_WINDOW_SECONDS": 0.5}


@pytest.mark.parametrize(
    ("boundary", "brought"),
    [
        # It looks again what it holds, and finds nothing.
        (Boundary.INTENT_COMMITTED, ""),
        # It looks at the clock, and hands back what it does not hold any more.
        (Boundary.CALL_BEGINS, "Unsent"),
        (Boundary.CALL_ENDED, "Done"),
    ],
)
def test_a_worker_that_stood_still_past_its_lease(
    work: Start,
    ann: User,
    downstream: Simulators,
    tmp_path: Path,
    boundary: Boundary,
    brought: str,
) -> None:
    """Between its intent and its call, it does not call; after its call, it comes too late."""
    cluster = work(workers=2, ESCAPEMENT_DIE_IN=tmp_path, DOWNSTREAM_URL=downstream.url, **SHORT)
    desk = Desk(ann, downstream)
    name, frozen = frozen_at(boundary, desk, tmp_path)

    until(lambda: desk.is_settled([name]), seconds=WITHIN, what="taken over")
    assert TransitionEnvelope.objects.get(pk=name).state == "fired"
    os.kill(frozen, signal.SIGCONT)
    late = Entry.objects.filter(transition_id=name, action="effect_late")
    if brought:
        # (On a slow machine another worker may come late as well, after so short a lease.)
        its_own = late.filter(evidence__contains=f'"brought":"{brought}"')
        until(its_own.exists, seconds=15, what=f"late entry that brought {brought}")
    # It works again, and so is through with what it woke up in.
    others = [desk.ask("pay") for _ in range(10)]
    until(lambda: desk.is_settled(others), seconds=WITHIN, what="paid")
    cluster.idle()
    assert is_alive(frozen)
    assert desk.done(name, "payment") == 1
    assert not faults()


def test_calls_that_land_after_their_sender_gave_up(
    work: Start, ann: User, tmp_path: Path
) -> None:
    """The time-out is 1 s, they land after 1.5 s, and are looked up 1 s after the time-out."""
    late = Faults(rates={Fault.LATE: 0.5}, seed=7)
    with simulators(faults=late, stall=1.5, journal=tmp_path / "journal") as downstream:
        work(workers=2, DOWNSTREAM_URL=downstream.url, **SHORT | {"LEASE_SECONDS": 4})
        desk = Desk(ann, downstream)
        names = [desk.ask("pay") for _ in range(12)]
        until(lambda: desk.is_settled(names), seconds=60, what="all paid")
        summary = downstream.journal.summary()
    assert summary.landed_late > 2
    assert not summary.repeated
    assert [summary.payments[str(name)] for name in names] == [1] * 12
    assert not faults()
