"""A worker is killed at every durable boundary, by real SIGKILL, while it works on real calls.

Whatever is counted is counted at the receiver. No cluster is told of it, nobody helps; only a call
whose downstream can neither be asked nor honours keys is left to a person.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from tests.crash.conftest import Start
from tests.crash.dispatching import WITHIN, Desk, died
from tests.crash.invariants import faults
from tests.crash.polling import until
from workflow.engine.boundary import Boundary
from workflow.models import Attempt, Ending, TransitionEnvelope
from workflow.testing.downstream import Simulators

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

AFTER = {
    # A rescuer has something to rescue only after a death.
    Boundary.RESCUE_WRITTEN: Boundary.CLAIM_COMMITTED,
    Boundary.RESCUE_COMMITTED: Boundary.INTENT_COMMITTED,
}

SENT = {"reservation": 1, "release": 0, "payment": 1, "entry": 1, "letter": 1}
DECLINED = {"reservation": 1, "release": 1, "payment": 0, "entry": 0, "letter": 0}


def test_whoever_dies_wherever_everything_is_done_once(
    work: Start, ann: User, downstream: Simulators, tmp_path: Path
) -> None:
    deaths = tmp_path / "deaths"
    deaths.mkdir()
    work(
        workers=2,
        LEASE_SECONDS=3,
        SEND_WINDOW_SECONDS=1,
        ESCAPEMENT_DIE_IN=deaths,
        DOWNSTREAM_URL=downstream.url,
    )
    desk = Desk(ann, downstream)
    for boundary in Boundary:
        marks = {boundary, AFTER.get(boundary, boundary)}
        for mark in marks:
            (deaths / mark).touch()
        sent = [desk.ask("send"), desk.ask("send", later=timedelta(seconds=0.2))]
        declined = [desk.ask("overpay")]
        for mark in marks:
            died(deaths, mark)
        names = sent + declined
        until(
            lambda names=names: desk.is_settled(names), seconds=WITHIN, what=f"settled {boundary}"
        )
        for name in names:
            desk.settle_letter(name)
        until(
            lambda names=names: desk.is_settled(names), seconds=WITHIN, what=f"posted {boundary}"
        )
        assert [desk.counts(name) for name in sent] == [SENT, SENT], boundary
        assert [desk.counts(name) for name in declined] == [DECLINED], boundary
        states = TransitionEnvelope.objects.in_bulk(names)
        assert [states[name].state for name in names] == ["fired", "fired", "refused"], boundary
    assert not downstream.journal.summary().repeated
    assert not faults()


@pytest.mark.parametrize(
    ("boundary", "time"),
    [
        (Boundary.CLAIM_WRITTEN, 2),
        (Boundary.BATCH_WRITTEN, 1),
        (Boundary.CLAIM_COMMITTED, 2),
        (Boundary.BATCH_COMMITTED, 1),
    ],
)
def test_a_death_around_a_commit_that_claims_the_next_batch(
    work: Start,
    ann: User,
    downstream: Simulators,
    tmp_path: Path,
    boundary: Boundary,
    time: int,
) -> None:
    """More waits than a worker's first batch takes, so that its commit claims what follows."""
    deaths = tmp_path / "deaths"
    deaths.mkdir()
    (deaths / boundary).write_text(str(time), encoding="ascii")
    desk = Desk(ann, downstream)
    names = [desk.ask("send") for _ in range(40)]
    work(
        workers=1,
        LEASE_SECONDS=3,
        SEND_WINDOW_SECONDS=1,
        ESCAPEMENT_DIE_IN=deaths,
        DOWNSTREAM_URL=downstream.url,
    )
    died(deaths, boundary)
    dead = Attempt.objects.filter(ending=Ending.DIED)
    until(lambda: desk.is_settled(names), seconds=3 * WITHIN, what="settled")
    assert all(desk.counts(name) == SENT for name in names)
    assert TransitionEnvelope.objects.filter(pk__in=names, state="fired").count() == len(names)
    # What was claimed at the first death: the batch, what follows it, or both one after the other.
    claimed = {
        Boundary.CLAIM_WRITTEN: 25,
        Boundary.BATCH_WRITTEN: 25,
        Boundary.CLAIM_COMMITTED: 15,
        Boundary.BATCH_COMMITTED: 15,
    }
    assert dead.count() == claimed[boundary]
    assert not downstream.journal.summary().repeated
    assert not faults()
