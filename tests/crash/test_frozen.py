"""C3: a worker that stands still (SIGSTOP, a paused virtual machine) past its lease, and wakes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from django.db import connection

from audit.models import Entry
from tests.crash.cluster import is_alive
from tests.crash.conftest import Ask, Make, Start
from tests.crash.invariants import faults, unfinished
from tests.crash.polling import fired, until
from workflow.engine import clock
from workflow.models import Attempt, Record, State, TransitionEnvelope

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def endings(name: object) -> list[str]:
    attempts = Attempt.objects.filter(envelope=name)
    return list(attempts.values_list("ending", flat=True))


def test_between_claim_and_commit_it_comes_too_late(
    work: Start, make: Make, ask: Ask, tmp_path: Path
) -> None:
    sign = tmp_path / "claimed"
    cluster = work(workers=3, LEASE_SECONDS=1, FREEZE_AFTER_CLAIM=sign)
    (record,) = make(1)
    (name,) = ask([record])
    frozen = int(until(lambda: sign.exists() and sign.read_text(), seconds=10, what="frozen"))
    assert frozen in cluster.pids("worker")

    fired([name], seconds=15)
    before = list(TransitionEnvelope.objects.values()), list(Record.objects.values())
    os.kill(frozen, signal.SIGCONT)
    late = Entry.objects.filter(transition_id=name, action="late")
    until(late.exists, seconds=10, what="late entry")

    assert (list(TransitionEnvelope.objects.values()), list(Record.objects.values())) == before
    assert f'/{frozen}"' in late.get().evidence
    assert endings(name) == ["died", "fired"]
    fired(ask(make(30)), seconds=15)
    assert is_alive(frozen)
    assert cluster.restarts == 0
    assert not faults()
    assert not unfinished()


def test_inside_its_commit_nobody_overtakes_it(
    work: Start, make: Make, ask: Ask, tmp_path: Path
) -> None:
    """It holds the locks of what it may yet commit, so what it began is finished by nobody else.

    On SQLite it holds the only lock there is, and everybody waits.
    """
    work(workers=3, LEASE_SECONDS=1)
    sign = tmp_path / "inside"
    (name,) = ask(make(1), "act", payload={"act": "hold", "sign": str(sign)})
    holder = int(until(lambda: sign.exists() and sign.read_text(), seconds=10, what="inside"))
    os.kill(holder, signal.SIGSTOP)
    sign.unlink()
    envelope = TransitionEnvelope.objects.filter(pk=name)
    until(lambda: envelope.expired(now=clock.now()).exists(), seconds=10, what="lease over")
    if connection.vendor != "sqlite":
        fired(ask(make(30)), seconds=15)
    assert envelope.get().state == State.RUNNING

    os.kill(holder, signal.SIGCONT)
    fired([name], seconds=15)

    assert endings(name) in (["fired"], ["died", "fired"])
    fired(ask(make(30)), seconds=15)
    assert not faults()
