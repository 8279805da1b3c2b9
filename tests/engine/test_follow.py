"""What is claimed in the transaction that writes the batch before."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection

from tests.crash.invariants import faults
from tests.engine import probe
from tests.many import ask_many
from workflow.effects.courier import Courier
from workflow.engine import clock, commit
from workflow.engine.claim import Claim, claim
from workflow.engine.commit import work_off
from workflow.engine.rescue import hand_back
from workflow.models import Attempt, Ending, TransitionEnvelope
from workflow.worker.turn import turn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def many(ann: User) -> None:
    """More than a worker's first batch, and less than two."""
    ask_many(workflow=probe.PROBE, transition="open", user=ann, count=40)


def states() -> Counter[str]:
    asked = TransitionEnvelope.objects.exclude(origin="timer")
    return Counter(asked.values_list("state", flat=True))


def next_claim() -> Claim | None:
    return claim(worker="w/1", now=clock.now(), limit=10)


def first_claim() -> Claim:
    batch = claim(worker="w/1", now=clock.now(), limit=25)
    assert batch is not None
    return batch


def test_it_is_claimed_with_the_outcomes() -> None:
    worked = work_off(claim=first_claim(), clock=clock.now, follow=next_claim)
    assert worked.tally["fired"] == 25
    assert worked.following is not None
    assert states() == {"fired": 25, "running": 10, "waiting": 5}
    assert work_off(claim=worked.following, clock=clock.now).tally["fired"] == 10


def test_or_not_at_all() -> None:
    class Killed(BaseException):
        pass

    def die() -> Claim | None:
        next_claim()
        raise Killed

    with pytest.raises(Killed):
        work_off(claim=first_claim(), clock=clock.now, follow=die)
    assert states() == {"running": 25, "waiting": 15}


def test_what_the_database_refuses_is_written_without() -> None:
    """The refusal may be the claim's: it is not put down to the batch, and not tried again."""
    asked: list[Claim | None] = []

    def follow() -> Claim | None:
        asked.append(next_claim())
        raise DatabaseError("deadlock")

    worked = work_off(claim=first_claim(), clock=clock.now, follow=follow)
    assert worked.tally["fired"] == 25
    assert worked.following is None
    assert len(asked) == 1
    assert states() == {"fired": 25, "waiting": 15}


def test_a_claim_that_got_lost_after_its_commit_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Here the line that tells of it fails, once; the outcomes and the claim are there."""
    log = commit._log
    failures = [DatabaseError("gone")]

    def fail(*what: Any) -> None:
        if failures:
            raise failures.pop()
        log(*what)

    monkeypatch.setattr(commit, "_log", fail)
    once = iter((True, False))
    assert turn(worker="w/1", clock=clock.now, go_on=lambda: next(once, False))["late"] == 25
    assert states() == {"fired": 25, "waiting": 15}
    assert Attempt.objects.filter(ending=Ending.INTERRUPTED).count() == 15


def test_a_worker_that_is_told_to_stop_finishes_it() -> None:
    once = iter((True, False, False))
    assert turn(worker="w/1", clock=clock.now, go_on=lambda: next(once))["fired"] == 40
    assert states() == {"fired": 40}


@pytest.mark.parametrize("is_lost", [False, True], ids=["connected", "connection lost"])
def test_a_worker_that_stumbles_gives_it_back(*, is_lost: bool) -> None:
    class Stumbling(Courier):
        times = 0

        def collect(self) -> Counter[str]:
            self.times += 1
            if self.times > 1:
                if is_lost:
                    connection.connection.close()
                raise DatabaseError("away")
            return super().collect()

    calls = Stumbling(worker="w/1", clock=clock.now)
    with pytest.raises(DatabaseError, match="away"):
        turn(worker="w/1", clock=clock.now, go_on=lambda: True, calls=calls)
    assert states() == {"fired": 25, "waiting": 15}
    assert Attempt.objects.filter(ending=Ending.INTERRUPTED).count() == 15
    assert turn(worker="w/1", clock=clock.now, go_on=lambda: True)["fired"] == 15
    fired = TransitionEnvelope.objects.filter(state="fired")
    assert not fired.exclude(attempts=1), "it has used up no try"
    assert not faults()


def test_all_of_a_large_batch_is_handed_back(ann: User) -> None:
    ask_many(workflow=probe.PROBE, transition="open", user=ann, count=90)
    batch = claim(worker="w/1", now=clock.now(), limit=130)
    assert batch is not None
    assert hand_back(claim=batch, now=clock.now()) == 130
    assert states() == {"waiting": 130}
