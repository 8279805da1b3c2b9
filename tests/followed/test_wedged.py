"""J5: `/health/working` of a live cluster that stands still, and of the same one going on again.

Real gunicorn, real workers and their supervisor stopped by SIGSTOP, as in a paused machine. Left
to itself, a supervisor that runs would restart the cluster before anybody's alarm rings.
"""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.crash.conftest import Start, ask, make  # noqa: F401  (fixtures)
from tests.crash.polling import fired, until
from tests.followed.conftest import Web
from workflow.engine import clock
from workflow.models import TransitionEnvelope
from workflow.queries.progress import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def working(server: Web) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"{server.url}/health/working", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_it_fails_while_the_workers_stand_still_and_recovers_with_them(
    web: Callable[..., Web],
    work: Start,
    make: Any,  # noqa: F811
    ask: Any,  # noqa: F811
) -> None:
    server = web()
    cluster = work(workers=2)
    (record,) = make(1)
    assert working(server)[0] == 200
    stopped = [cluster.supervisor.pid, *cluster.pids("worker")]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        (name,) = ask([record])
        # The wait itself is not what is tested: all of it but the last seconds has passed.
        almost = clock.now() - PATIENCE + timedelta(seconds=6)
        TransitionEnvelope.objects.filter(pk=name).update(due_at=almost)
        assert working(server)[0] == 200, "it is not late yet"

        until(lambda: working(server)[0] == 503, seconds=15, what="failing")

        status, told = working(server)
        assert status == 503
        assert "none was begun" in json.dumps(told), told
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    fired([name], seconds=20)
    until(lambda: working(server)[0] == 200, seconds=10, what="working again")
