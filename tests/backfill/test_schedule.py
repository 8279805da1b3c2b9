"""I1, I2: a backfill that is started by the clock, once a tick, and not while it is going."""

from __future__ import annotations

import ast
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage
from pytest_django import Settings

from tests.backfill.conftest import Log
from tests.crash.polling import until
from tests.workflow.examples.logs import usual
from workflow.models import BackfillRun, Record
from workflow.worker import scheduled
from workflow.worker.broker import EnvelopeBroker
from workflow.worker.scheduled import TASK


@pytest.fixture
def _allowed(settings: Settings) -> None:
    settings.ESCAPEMENT = {**settings.ESCAPEMENT, "TASKS": [TASK]}


def make(path: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("backfill_schedule", str(path), "--mapping", "declarations", *options, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_a_task_that_is_not_allowed_is_not_scheduled(log: Log) -> None:
    with pytest.raises(CommandError, match="add it to the environment variable TASKS"):
        make(log(usual(1)))
    assert not Schedule.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("_allowed")
def test_one_command_sets_it_up_changes_it_and_takes_it_away(log: Log) -> None:
    path = log(usual(1))
    assert "every day" in make(path, "--at", "03:00")
    at = timezone.localtime(Schedule.objects.get().next_run)
    assert (at.hour, at.minute, at > timezone.localtime()) == (3, 0, True)
    make(path, "--every", "hour")
    row = Schedule.objects.get()
    assert (row.func, row.schedule_type) == (TASK, Schedule.HOURLY)
    assert ast.literal_eval(row.kwargs) == {"source": str(path), "mapping": "declarations"}
    make(path, "--off")
    assert not Schedule.objects.exists()
    with pytest.raises(CommandError, match="There is no schedule"):
        make(path, "--off")
    with pytest.raises(CommandError, match="is no time; write it as 03:00"):
        make(path, "--at", "3 o'clock")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_allowed")
def test_a_tick_makes_one_task_however_many_clusters_look(log: Log) -> None:
    make(log(usual(1)))
    for _ in range(3):
        scheduler(broker=EnvelopeBroker())
    task = SignedPackage.loads(OrmQ.objects.get().payload)
    assert task["func"] == TASK


@pytest.mark.django_db
def test_the_task_takes_registered_mappings_only(tmp_path: Path) -> None:
    from workflow.backfill.registered import UnknownMapping

    with pytest.raises(UnknownMapping):
        scheduled.backfill(source="x.csv", mapping="os.system")
    assert scheduled._started == []


@pytest.fixture
def _environment(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("BACKFILL_DIR", str(tmp_path / "spool"))
    yield
    for each in scheduled._started:
        each.wait(timeout=60)


@pytest.mark.usefixtures("_environment")
def test_it_runs_in_a_process_of_its_own_once_at_a_time(log: Log) -> None:
    path = log(usual(300))
    for _ in range(2):
        scheduled.backfill(source=str(path), mapping="declarations")
    first, second = scheduled._started[-2:]
    assert os.getsid(first.pid) == first.pid != os.getsid(0)
    codes = until(
        lambda: [code for each in (first, second) if (code := each.poll()) is not None][1:],
        seconds=90,
        what="both processes ended",
    )
    assert codes
    assert Record.objects.count() == 300
    finished = BackfillRun.objects.filter(state="finished")
    assert sum(run.counts.get("records.new", 0) for run in finished) == 300
    assert BackfillRun.objects.count() == finished.count() <= 2


@pytest.mark.usefixtures("_environment")
def test_a_source_is_never_taken_for_an_option(tmp_path: Path) -> None:
    written = tmp_path / "written"
    scheduled.backfill(source=f"--json={written}", mapping="declarations")
    assert scheduled._started[-1].wait(timeout=60) == 1
    assert not written.exists()
