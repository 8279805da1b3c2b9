"""On an idle system, work starts at once: somebody is told, nobody has to look first."""

from __future__ import annotations

import statistics
import sys
import time

import pytest

from tests.crash.conftest import Ask, Make, Start
from tests.crash.polling import fired
from workflow.models import Attempt

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

TIMES = 50
MEDIAN = 0.100
"""Seconds until a worker has claimed it. Measured: 10 ms, 40 on a machine with four times as much
to do as it can, and 190 without announcements."""


def milliseconds(values: list[float]) -> str:
    cuts = statistics.quantiles(values, n=20)
    return f"p50 {cuts[9] * 1000:.0f} ms, p95 {cuts[18] * 1000:.0f} ms"


def test_a_request_on_an_idle_system_is_fired_at_once(work: Start, make: Make, ask: Ask) -> None:
    """From the call of `submit` to the outcome that another connection sees."""
    cluster = work(workers=3)
    fired(ask(make(10)), seconds=15)
    begun, done = [], []
    for record in make(TIMES):
        cluster.idle()
        asked = time.monotonic()
        (name,) = ask([record])
        fired([name], seconds=10)
        done.append(time.monotonic() - asked)
        attempt = Attempt.objects.select_related("envelope").get(envelope=name)
        begun.append((attempt.started_at - attempt.envelope.requested_at).total_seconds())

    sys.stdout.write(f"\nclaimed after {milliseconds(begun)}; fired after {milliseconds(done)}\n")
    assert statistics.median(begun) < MEDIAN, milliseconds(begun)
    assert cluster.restarts == 0
