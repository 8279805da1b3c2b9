"""The whole public log, every event sent three times, while processes are killed throughout."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.conftest import Manage
from tests.crash.invariants import faults, unfinished
from tests.workflow.examples.conftest import Start
from tests.workflow.examples.replays import Killer, Replay
from workflow.models import Attempt, Cluster, Ending, Record, State, TransitionEnvelope

LOG = os.environ.get("ESCAPEMENT_WHOLE_LOG", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not LOG, reason="takes minutes; name the public log's file in ESCAPEMENT_WHOLE_LOG"
    ),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers in /proc"),
]

KILL_EVERY = 2.0
"""Seconds. A wedged cluster takes three to be noticed, so some kills meet one that is starting."""

AT_MOST = 3600.0


def told(run: Replay) -> dict[str, Any]:
    code, _, err = run.finish(timeout=AT_MOST)
    assert code == 0, err
    return run.table()


def say(what: str, seconds: float, **figures: object) -> None:
    """Print for whoever runs it with `-s`: this test is also the measurement."""
    sys.stdout.write(f"\n{what}: {seconds:.0f} s {figures}\n")


def test_copies_and_kills_change_nothing_in_the_table(replay: Start, manage: Manage) -> None:
    began = time.monotonic()
    plain = told(replay(Path(LOG), "--workers", "3"))
    say("plain", time.monotonic() - began, states=plain["states"], attempts=endings())
    assert plain["requested"] == 55_628
    assert plain["states"] == {"fired": 55_623, "refused": 5}
    assert plain["refused"] == {"wrong_status": 5}
    assert (plain["equal"], len(plain["differing"])) == (10_355, 2)
    call_command("flush", interactive=False, verbosity=0)
    assert not Record.objects.exists()

    began = time.monotonic()
    options = ("--duplicate", "3", "--workers", "3", "--patience", "120")
    run = replay(Path(LOG), *options)
    kills = Killer(run, every=KILL_EVERY).until_done()
    killed = told(run)
    say(
        "three times each, killed",
        time.monotonic() - began,
        kills=kills,
        restarts=sum(Cluster.objects.values_list("restarts", flat=True)),
        states=killed["states"],
        attempts=endings(),
    )

    assert kills >= 10
    assert killed == plain
    assert TransitionEnvelope.objects.filter(state=State.FIRED).count() == 55_623
    assert Attempt.objects.filter(ending=Ending.FIRED).count() == 55_623
    assert Attempt.objects.filter(ending=Ending.DIED).exists(), "no kill met any work"
    assert not unfinished()
    assert not faults()
    verified = manage("audit_verify", timeout=600)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    sys.stdout.write(verified.stdout)


def endings() -> dict[str, int]:
    return {
        each: count
        for each in Ending.values
        if (count := Attempt.objects.filter(ending=each).count())
    }
