"""On an idle system, work starts at once: somebody is told, nobody has to look first."""

from __future__ import annotations

import statistics
import sys
import time

import pytest

from tests.crash.cluster import Work
from tests.crash.conftest import Ask, Make, Start
from tests.crash.polling import fired
from workflow.models import Attempt

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def milliseconds(values: list[float]) -> str:
    cuts = statistics.quantiles(values, n=20)
    return f"p50 {cuts[9] * 1000:.0f} ms, p95 {cuts[18] * 1000:.0f} ms"


def delays(cluster: Work, make: Make, ask: Ask, times: int) -> tuple[list[float], list[float]]:
    """Ask so many times, one after the other, of an idle cluster.

    Returns:
        Seconds from the request to its claim, and from the call of `submit` to the outcome that
        another connection sees.
    """
    fired(ask(make(10)), seconds=15)
    begun, done = [], []
    for record in make(times):
        cluster.idle()
        asked = time.monotonic()
        (name,) = ask([record])
        fired([name], seconds=20)
        done.append(time.monotonic() - asked)
        attempt = Attempt.objects.select_related("envelope").get(envelope=name)
        begun.append((attempt.started_at - attempt.envelope.requested_at).total_seconds())
    return begun, done


def test_a_broker_is_told_and_need_not_look(work: Start, make: Make, ask: Ask) -> None:
    """It looks by itself every ten seconds here, so a busy machine cannot be taken for that."""
    begun, _ = delays(work(workers=3, LOOK_EVERY=10), make, ask, 7)
    assert statistics.median(begun) < 2.0, begun


def test_a_request_on_an_idle_system_is_fired_at_once(work: Start, make: Make, ask: Ask) -> None:
    """The measurement, at the default settings: run it with `-s`, on a machine that is idle."""
    cluster = work(workers=3)
    begun, done = delays(cluster, make, ask, 50)
    sys.stdout.write(f"\nclaimed after {milliseconds(begun)}; fired after {milliseconds(done)}\n")
    assert statistics.median(begun) < 1.0
    assert cluster.restarts == 0
