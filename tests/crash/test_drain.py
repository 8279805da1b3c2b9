"""Told to stop, a cluster finishes what it has begun, and leaves no process behind."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.crash.cluster import kill
from tests.crash.conftest import Ask, Make, Start
from tests.crash.invariants import faults, unfinished
from tests.crash.polling import fired, until
from workflow.models import Attempt, State, TransitionEnvelope

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_what_was_begun_is_finished(
    work: Start, make: Make, ask: Ask, tmp_path: Path, number: int
) -> None:
    cluster = work(workers=2)
    sign = tmp_path / "inside"
    held = ask(make(1), "act", payload={"act": "hold", "sign": str(sign)})
    until(sign.exists, seconds=10, what="inside")

    cluster.tell(number)
    until(lambda: "cluster.stopping" in cluster.text(), seconds=5)
    assert cluster.supervisor.poll() is None, "it did not wait for what was begun"
    sign.unlink()

    assert cluster.supervisor.wait(timeout=20) == 0, cluster.text()
    assert not cluster.left()
    fired(held, seconds=0)
    assert not faults()


def test_an_idle_cluster_stops_at_once(work: Start, make: Make, ask: Ask) -> None:
    cluster = work(workers=2)
    fired(ask(make(3)), seconds=15)
    assert cluster.idle().stop(signal.SIGTERM, seconds=10) == 0
    assert not cluster.left()


def test_what_was_not_begun_is_left_for_the_next(work: Start, make: Make, ask: Ask) -> None:
    """It stops amid a backlog: all of it is done or waits, and no attempt was cut off."""
    cluster = work(workers=2, BATCH_SIZE=1)
    names = ask(make(200))
    these = TransitionEnvelope.objects.filter(pk__in=names)
    until(these.filter(state=State.FIRED).exists, seconds=15)

    assert cluster.stop(signal.SIGTERM, seconds=20) == 0
    assert set(these.values_list("state", flat=True)) <= {State.FIRED, State.WAITING}
    assert set(Attempt.objects.values_list("ending", flat=True)) == {"fired"}

    work(workers=2)
    fired(names, seconds=15)
    assert not faults()


def test_a_second_signal_stops_at_once(work: Start, make: Make, ask: Ask, tmp_path: Path) -> None:
    """What is cut off is taken back at once, and done by the next cluster."""
    cluster = work(workers=2)
    sign = tmp_path / "inside"
    held = ask(make(1), "act", payload={"act": "hold", "sign": str(sign)})
    until(sign.exists, seconds=10, what="inside")

    cluster.tell(signal.SIGINT)
    until(lambda: "cluster.stopping" in cluster.text(), seconds=5)
    assert cluster.stop(signal.SIGINT, seconds=10) != 0
    assert not cluster.left()

    sign.unlink()
    work(workers=1)
    until(lambda: sign.unlink(missing_ok=True) or not unfinished(), seconds=15)
    fired(held, seconds=0)
    endings = Attempt.objects.filter(envelope=held[0]).values_list("ending", flat=True)
    assert list(endings) == ["died", "fired"]
    assert not faults()


def test_a_cluster_whose_supervisor_was_killed_drains(
    work: Start, make: Make, ask: Ask, tmp_path: Path
) -> None:
    cluster = work(workers=2)
    sign = tmp_path / "inside"
    held = ask(make(1), "act", payload={"act": "hold", "sign": str(sign)})
    until(sign.exists, seconds=10, what="inside")

    cluster.kill_supervisor()
    until(lambda: "stopping" in cluster.text().lower(), seconds=10, what="told to stop")
    sign.unlink()

    until(lambda: not cluster.left(), seconds=20, what="cluster drained")
    fired(held, seconds=0)
    work(workers=2)
    fired(ask(make(30)), seconds=15)
    assert not faults()
    assert not unfinished()


def test_a_cluster_that_cannot_drain_does_not_outlive_its_supervisor(
    work: Start, make: Make, ask: Ask
) -> None:
    """Its queue's lock has died with a worker, so it would wait for ever."""
    cluster = work(workers=2, DRAIN_SECONDS=2).idle()
    holder = cluster.holder()
    kill(holder)
    until(lambda: len(cluster.pids("worker")) == 2, seconds=10, what="holder replaced")
    cluster.kill_supervisor()

    until(lambda: not cluster.left(), seconds=15, what="cluster gone")
    work(workers=2)
    fired(ask(make(10)), seconds=15)
    assert not faults()
