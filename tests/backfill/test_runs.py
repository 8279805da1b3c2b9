"""One run of a source at a time; paused, resumed, taken over; its admin pages."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from tests.backfill.conftest import Backfill, Log
from tests.backfill.state import state
from tests.workflow.examples.logs import S, rows, usual
from workflow.backfill import lease
from workflow.backfill.adopt import Adopter
from workflow.engine import clock
from workflow.models import BackfillReject, BackfillRun, Record

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    pass


def cut_off(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let a run die after so many batches."""
    take = Adopter.take
    taken = []

    def dying(self: Adopter, *args: Any, **kwargs: Any) -> None:
        if len(taken) == after:
            raise Killed
        taken.append(args)
        take(self, *args, **kwargs)

    monkeypatch.setattr(Adopter, "take", dying)


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def forget_process() -> None:
    """Make the run that was cut off one of a process that is gone."""
    run = BackfillRun.objects.get(state="running")
    host = run.process.rpartition("/")[0]
    BackfillRun.objects.filter(pk=run.pk).update(process=f"{host}/{dead_process()}")


def test_a_run_that_was_cut_off_is_resumed_and_counts_each_row_once(
    log: Log, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log([*usual(30), *rows("bad", [S], amount="much")])
    with monkeypatch.context() as patched:
        cut_off(patched, after=2)
        with pytest.raises(Killed):
            backfill(path, "--batch", "5")
    assert Record.objects.count() == 10
    forget_process()
    with pytest.raises(CommandError, match="is unfinished: go on with it by --resume"):
        backfill(path)
    table = backfill(path, "--batch", "5", "--resume")
    assert table["adopted"] == len(usual(30))
    assert table["records"] == {"new": 30}
    assert table["rejected"] == {"broken_row": 1}
    assert BackfillReject.objects.count() == 1


def test_a_run_that_is_still_going_is_not_started_twice(
    log: Log, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(usual(5))
    take = Adopter.take

    def meanwhile(self: Adopter, *args: Any, **kwargs: Any) -> None:
        with pytest.raises(CommandError, match="is being worked on by"):
            backfill(path, "--resume")
        take(self, *args, **kwargs)

    monkeypatch.setattr(Adopter, "take", meanwhile)
    assert backfill(path)["records"] == {"new": 5}
    assert BackfillRun.objects.count() == 1


def test_a_process_that_lost_its_lease_writes_nothing_more(
    log: Log, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(usual(5))
    take = Adopter.take
    left: list[Any] = []

    def overtaken(self: Adopter, *args: Any, **kwargs: Any) -> None:
        run = BackfillRun.objects.get()
        lease.take(run=run, now=clock.now() + 2 * lease.LEASE)
        left.append(state())
        take(self, *args, **kwargs)

    monkeypatch.setattr(Adopter, "take", overtaken)
    with pytest.raises(CommandError, match="was taken over or abandoned meanwhile"):
        backfill(path)
    assert state() == left[0]


def test_a_lease_of_another_host_is_waited_for() -> None:
    run = BackfillRun.objects.create(
        workflow="declaration",
        mapping="declarations",
        source="x.csv",
        started_by="a test",
        started_at=clock.now(),
        process="elsewhere/1",
        lease_ends_at=clock.now() + timedelta(seconds=30),
    )
    with pytest.raises(lease.IsTaken):
        lease.take(run=run, now=clock.now())
    lease.take(run=run, now=clock.now() + timedelta(seconds=31))
    assert run.process.endswith(f"/{os.getpid()}")


def test_a_source_that_changed_begins_anew(
    log: Log, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(usual(10))
    with monkeypatch.context() as patched:
        cut_off(patched, after=1)
        with pytest.raises(Killed):
            backfill(path, "--batch", "5")
    forget_process()
    log(usual(12))
    table = backfill(path, "--resume")
    assert table["records"] == {"new": 7}
    states = BackfillRun.objects.order_by("started_at").values_list("state", flat=True)
    assert list(states) == ["abandoned", "finished"]


def test_a_paused_run_waits_and_goes_on(
    log: Log, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(usual(10))
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        run = BackfillRun.objects.get()
        if len(naps) == 1:
            assert (run.state, Record.objects.count()) == ("paused", 5)
        if len(naps) == 3:
            call_command("backfill_pause", "--lift", stdout=io.StringIO())

    take = Adopter.take

    def pausing(self: Adopter, *args: Any, **kwargs: Any) -> None:
        take(self, *args, **kwargs)
        if Record.objects.count() == 5:
            call_command("backfill_pause", "--reason", "month's end", stdout=io.StringIO())

    monkeypatch.setattr("workflow.backfill.run.time.sleep", nap)
    monkeypatch.setattr(Adopter, "take", pausing)
    assert backfill(path, "--batch", "5")["records"] == {"new": 10}
    assert len(naps) == 3
    told = Entry.objects.filter(chain=BackfillRun.objects.get().pk)
    assert list(told.values_list("action", flat=True)) == [
        "backfill_begun",
        "backfill_paused",
        "backfill_went_on",
        "backfill_finished",
    ]
    assert told[1].reason == "month's end"


def test_a_rate_is_kept(log: Log, backfill: Backfill, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr("workflow.backfill.pace.time.sleep", naps.append)
    path = log(usual(20))
    events = len(usual(20))
    backfill(path, "--batch", "5", "--rate", "10")
    assert naps[-1] > events / 10 * 0.8


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--batch", "0"], "--batch 0: at least 1"),
        (["--rate", "-1"], "--rate -1.0: more than 0"),
        (["--workflow", "permit"], "mapping 'declarations' is for 'declaration'"),
    ],
)
def test_bad_options_are_refused(
    log: Log, backfill: Backfill, options: list[str], told: str
) -> None:
    with pytest.raises(CommandError, match=told):
        backfill(log(usual(1)), *options)


def test_a_mapping_is_known_by_name_or_by_its_file(log: Log, backfill: Backfill) -> None:
    path = log(usual(1))
    file = "workflow/examples/declarations/mappings.py"
    assert backfill(path, mapping=file)["records"] == {"new": 1}
    with pytest.raises(CommandError, match=r"mapping 'os\.system': known: declarations"):
        backfill(path, mapping="os.system")


@pytest.mark.django_db(transaction=True)
def test_ctrl_c_leaves_a_run_that_can_be_taken_up_at_once(
    log: Log, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(usual(20))
    take = Adopter.take
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job has none

    def interrupted(self: Adopter, *args: Any, **kwargs: Any) -> None:
        take(self, *args, **kwargs)
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(Adopter, "take", interrupted)
        with pytest.raises(CommandError, match="--resume goes on"):
            backfill(path, "--batch", "5")
    signal.signal(signal.SIGINT, before)
    assert backfill(path, "--resume")["records"] == {"new": 20}


def test_the_admin_shows_runs_and_rejects_and_changes_none(log: Log, backfill: Backfill) -> None:
    backfill(log([*usual(5), *rows("bad", [S], amount="much")]))
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    run = BackfillRun.objects.get()
    listed = client.get(reverse("admin:workflow_backfillrun_changelist")).content.decode()
    assert f"{len(usual(5)) + 1:,} of {len(usual(5)) + 1:,} rows (100%)" in listed
    page = reverse("admin:workflow_backfillrun_change", args=[run.pk])
    assert "adopted as they are" in client.get(page).content.decode()
    assert client.post(page, {"state": "running"}).status_code == 403
    found = client.get(reverse("admin:workflow_backfillreject_changelist")).content.decode()
    assert "amount &#x27;much&#x27; is no number" in found
