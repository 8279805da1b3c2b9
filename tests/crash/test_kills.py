"""SIGKILL of every process of a cluster, idle or busy: work goes on by itself, and is whole."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.crash.cluster import kill
from tests.crash.conftest import Ask, Make, Start
from tests.crash.invariants import faults, unfinished
from tests.crash.polling import fired, until
from workflow.models import State, TransitionEnvelope

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WITHIN = 15.0
"""Seconds in which work must have resumed and be done."""


@pytest.mark.parametrize(
    ("role", "requests"),
    [
        ("worker", 100),
        ("pusher", 30),
        ("monitor", 30),
        ("sentinel", 30),
        ("main", 30),
    ],
)
def test_idle_processes_are_killed(
    work: Start, make: Make, ask: Ask, role: str, requests: int
) -> None:
    """All that have the role at once; workers are three."""
    cluster = work(workers=3)
    fired(ask(make(1)), seconds=WITHIN)
    records = make(requests)

    kill(*cluster.idle().victims(role))
    fired(ask(records), seconds=WITHIN)

    assert not faults()
    assert not unfinished()


def test_one_idle_worker_after_another_is_killed(work: Start, make: Make, ask: Ask) -> None:
    """The one that holds the lock of django-q2's queue, whose death is the worst; then another."""
    cluster = work(workers=3).idle()
    for which in ("holder", "other"):
        holder = cluster.holder()
        others = [pid for pid in cluster.pids("worker") if pid != holder]
        kill(holder if which == "holder" else others[0])
        fired(ask(make(30)), seconds=WITHIN)
        cluster.idle()
    assert not faults()


def test_a_main_process_is_killed_again_and_again(work: Start, make: Make, ask: Ask) -> None:
    """A cluster that had come to life is begun anew at once, however often it is killed."""
    cluster = work(workers=2).idle()
    for times in range(1, 6):
        kill(cluster.main)
        until(lambda times=times: cluster.restarts == times, seconds=5, what="begun anew")
        fired(ask(make(10)), seconds=5)
        cluster.idle()
    assert not faults()


def test_a_stuck_queue_is_noticed_though_nothing_is_due(work: Start, make: Make, ask: Ask) -> None:
    """Another host may take all work at once, so that none stays due; silence has to tell."""
    cluster = work(workers=2).idle()
    kill(cluster.holder())
    until(lambda: cluster.restarts == 1, seconds=30, what="begun anew")
    assert "no worker has shown itself" in cluster.text()
    fired(ask(make(10)), seconds=WITHIN)
    assert not faults()


def test_supervisor_and_main_process_are_killed_together(
    work: Start, make: Make, ask: Ask
) -> None:
    """Nobody is left who would tell the others, and they end all the same."""
    cluster = work(workers=2, DRAIN_SECONDS=1).idle()
    main = cluster.main
    os.kill(main, signal.SIGSTOP)  # it does not get to draining
    cluster.kill_supervisor()
    kill(main)
    assert cluster.left()
    until(lambda: not cluster.left(), seconds=WITHIN, what="all gone")

    work(workers=1)
    fired(ask(make(1)), seconds=WITHIN)
    assert not faults()


def test_a_worker_is_killed_and_the_sentinel_stands_still(
    work: Start, make: Make, ask: Ask
) -> None:
    """As it does when the worker died holding a lock of theirs: nobody else replaces it."""
    cluster = work(workers=3).idle()
    os.kill(cluster.sentinel, signal.SIGSTOP)
    holder = cluster.holder()
    kill(next(pid for pid in cluster.pids("worker") if pid != holder))

    fired(ask(make(10)), seconds=WITHIN)
    until(lambda: cluster.restarts == 1, seconds=WITHIN, what="begun anew")
    assert "only 2 of 3 workers live" in cluster.text()
    cluster.ready().idle()
    fired(ask(make(10)), seconds=WITHIN)
    assert not faults()


def test_a_busy_worker_is_killed(work: Start, make: Make, ask: Ask, tmp_path: Path) -> None:
    cluster = work(workers=3, LEASE_SECONDS=2)
    sign = tmp_path / "inside"
    held = ask(make(1), "act", payload={"act": "hold", "sign": str(sign)})
    victim = int(until(lambda: sign.exists() and sign.read_text(), seconds=10, what="inside"))
    assert victim in cluster.pids("worker")

    kill(victim)
    sign.unlink()
    fired(ask(make(30)), seconds=WITHIN)
    # Whoever takes it over finds no sign, and writes one; take it away until it has fired.
    these = TransitionEnvelope.objects.filter(pk__in=held, state=State.FIRED)
    until(lambda: sign.unlink(missing_ok=True) or these.exists(), seconds=WITHIN)

    endings = TransitionEnvelope.objects.get(pk=held[0]).attempt_set.values_list("ending")
    assert [ending for (ending,) in endings] == ["died", "fired"]
    assert not faults()
    assert not unfinished()
