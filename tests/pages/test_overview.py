"""The dashboard tells what runs by the clock, and how the trail is vouched for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_q.models import Schedule, Task
from pytest_django import Settings

from audit import keys
from audit.models import Verification
from audit.seal import seal
from tests.pages.conftest import Scene, browser, text
from workflow.engine import clock
from workflow.models import BackfillRun
from workflow.queries.backlog import backlog, sentence, workers
from workflow.queries.channels import Door
from workflow.worker.schedule import schedule_backfill, schedules
from workflow.worker.scheduled import TASK

pytestmark = pytest.mark.django_db


@pytest.fixture
def planned(settings: Settings) -> str:
    settings.ESCAPEMENT = {**settings.ESCAPEMENT, "TASKS": [TASK]}
    first = timezone.now() + timedelta(hours=1)
    return schedule_backfill(source="log.csv", mapping="past", every="day", first=first)


def ran(**more: object) -> BackfillRun:
    now = timezone.now()
    values = {"started_at": now, "finished_at": now, "state": "finished", **more}
    return BackfillRun.objects.create(
        workflow="probe", mapping="past", source="log.csv", started_by="clock", **values
    )


def test_a_schedule_is_told_with_its_next_time_before_it_ever_ran(
    planned: str, support: User
) -> None:
    page = text(browser(support).get("/admin/"))

    assert planned in page
    assert "Daily" in page
    assert "in 60 min" in page
    assert "nothing known" in page


def test_the_last_run_and_its_outcome_are_told(planned: str) -> None:
    ran(started_at=timezone.now() - timedelta(days=2), state="abandoned")
    last = ran()

    (found,) = schedules(now=timezone.now())

    assert (found.name, found.run, found.failed_at) == (planned, last, None)


def test_a_failed_task_is_told_and_its_stored_result_is_never_loaded(
    planned: str, support: User
) -> None:
    now = timezone.now()
    Task.objects.create(
        id="7" * 32, name="n", func=TASK, started=now, stopped=now, success=False, result="x"
    )
    hostile = "gASVHgAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjANmYWxzlIWUUpQu"  # os.system
    Task.objects.filter(pk="7" * 32).update(result=hostile)
    Schedule.objects.update(task="7" * 32)

    assert '<span class="pill bad">failed</span>' in text(browser(support).get("/admin/"))


def test_what_workers_would_turn_away_and_what_is_late_is_told(support: User) -> None:
    Schedule.objects.create(
        name="foreign", func="os.system", next_run=timezone.now() - timedelta(hours=1)
    )

    page = text(browser(support).get("/admin/"))

    assert "turned away: not in TASKS" in page
    assert '<span class="pill warn">late</span>' in page


def test_a_trail_that_was_never_read_or_sealed_says_what_to_run(support: User) -> None:
    page = text(browser(support).get("/admin/"))

    assert "It has never been read to its end. Run manage.py audit_verify" in page
    assert "There is none. Run manage.py audit_seal" in page


def test_the_last_reading_stands_beside_the_last_seal(
    scene: Scene, support: User, tmp_path: Path
) -> None:
    now = clock.now()
    scene.waiting()
    seal(key=keys.make(tmp_path / "key"), now=now)
    Verification.objects.create(started_at=now, finished_at=now, entries=7, chains=2, seals=1)
    Verification.objects.create(started_at=now, entries=3)

    page = text(browser(support).get("/admin/"))

    assert "Sound: 7 entries in 2 chains and 1 seal" in page
    assert "with the keys that the database itself lists" in page
    assert "A later one is unfinished:" in page
    assert "Seal 1" in page
    assert "written nowhere outside" in page


def test_a_reading_that_found_problems_is_red(support: User) -> None:
    now = clock.now()
    Verification.objects.create(started_at=now, finished_at=now, problems=2, is_pinned=True)

    page = text(browser(support).get("/admin/"))

    assert 'class="icon bad"' in page
    assert "2 problems in" in page
    assert "with keys from outside the database" in page


def test_a_channel_that_holds_calls_back_is_not_all_well(scene: Scene) -> None:
    scene.cluster()
    now = clock.now()
    about = {"backlog": backlog(now=now), "workers": workers(now=now), "needing": 0}

    assert sentence(**about)[0] == "good"
    assert sentence(**about, held=["budget"]) == (
        "warn",
        "Working; the channel budget holds its calls back.",
    )
    assert (
        "2 channels hold their calls back: budget, mail."
        in sentence(**about, held=["budget", "mail"])[1]
    )


@pytest.mark.parametrize(
    ("tone", "waiting", "is_held"),
    [
        ("bad", 3, True),
        ("warn", 1, True),
        ("bad", 0, False),
        ("busy", 9, False),
        ("good", 9, False),
    ],
)
def test_a_door_holds_calls_back_if_it_is_shut_and_some_wait(
    tone: str, waiting: int, is_held: bool
) -> None:
    door = Door(
        name="budget",
        declared=None,
        row=None,
        pause=None,
        tone=tone,
        words="",
        waiting=waiting,
        under_way=0,
        pending=0,
        stuck=0,
        oldest_at=None,
    )
    assert door.is_held is is_held
