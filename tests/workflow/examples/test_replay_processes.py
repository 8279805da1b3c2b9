"""The replay with real workers in processes of their own, some of which are killed."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from audit.verify import verify_all
from tests.crash.cluster import is_alive
from tests.crash.invariants import faults
from tests.crash.polling import until
from tests.workflow.examples.conftest import Start
from tests.workflow.examples.logs import usual, write
from tests.workflow.examples.replays import Killer
from workflow.models import Attempt, Ending, State, TransitionEnvelope

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers in /proc"),
]


def test_a_replay_brings_its_own_workers_and_leaves_none(replay: Start, tmp_path: Path) -> None:
    log = write(tmp_path / "log.csv", usual(20))
    run = replay(log, "--duplicate", "3", "--workers", "2")
    workers = until(lambda: len(run.clusters()) >= 5 and run.clusters(), seconds=30)

    code, out, err = run.finish()

    assert code == 0, err
    assert not [pid for pid in workers if is_alive(pid)]
    told = run.table()
    assert told["states"] == {"fired": told["requested"]}
    assert told["equal"] == told["cases"] == 20
    assert "events: " in err
    assert "events requested" in out
    assert verify_all().is_sound


def test_killed_workers_change_nothing_in_the_table(replay: Start, tmp_path: Path) -> None:
    """Kills a process of the workers' cluster at random, again and again, once it is up."""
    log = write(tmp_path / "log.csv", usual(100))
    run = replay(log, "--duplicate", "3", "--workers", "2")
    kills = Killer(run, every=0.4).until_done(at_most=8, whole=5)
    code, _, err = run.finish()

    assert code == 0, err
    assert kills > 2
    told = run.table()
    assert told["states"] == {"fired": told["requested"]}
    assert told["equal"] == told["cases"] == 100
    fired = TransitionEnvelope.objects.filter(state=State.FIRED)
    assert fired.count() == told["requested"]
    assert Attempt.objects.filter(ending=Ending.FIRED).count() == told["requested"]
    assert not faults()


def test_an_interrupted_replay_shows_how_far_it_came(replay: Start, tmp_path: Path) -> None:
    run = replay(write(tmp_path / "log.csv", usual(30)))
    until(lambda: "declarations started" in run.errors(), seconds=30)

    run.process.send_signal(signal.SIGINT)
    code, out, err = run.finish()

    assert code == 130, err
    assert "events requested" in out
    assert "Interrupted" in err
    assert "Traceback" not in err
