"""The demo: declarations of its own making, an outcome that is verified, and a clean stop."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db import connection

from audit.models import Entry
from tests.conftest import PROJECT, Manage
from tests.workflow.examples.conftest import Draft
from tests.workflow.examples.replays import descendants
from workflow.examples.declarations.console.child import Child
from workflow.examples.declarations.console.interrupts import Interrupts
from workflow.examples.declarations.console.progress import Progress
from workflow.examples.declarations.demo.people import make_people
from workflow.examples.declarations.demo.walks import NEXT, walks
from workflow.examples.declarations.demo.web import free_port
from workflow.testing.guards import lifted

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_walks_are_the_same_for_the_same_seed_and_go_only_declared_ways() -> None:
    one = walks(declarations=200, seed=1, token="D", now=NOW)
    other = walks(declarations=200, seed=1, token="D", now=NOW)

    assert one.cases == other.cases
    assert one.cases != walks(declarations=200, seed=2, token="D", now=NOW).cases
    for case in one.cases.values():
        activities = ["", *(step.event.activity for step in case.steps)]
        for before, after in pairwise(activities):
            assert after in NEXT[before]


def test_walks_end_about_as_often_as_the_log_does() -> None:
    made = walks(declarations=2000, seed=3, token="D", now=NOW)

    ends = Counter(case.ends_in.value for case in made.cases.values())
    assert 0.78 < ends["payment_handled"] / 2000 < 0.90  # 0.96 of the 0.85 that are not cut short
    amounts = sorted(case.amount for case in made.cases.values())
    assert 35 < amounts[1000] < 50
    assert amounts[-1] <= 2400


def test_the_demo_takes_no_user_that_is_not_its_own(db: None) -> None:
    User.objects.create_user("admin", email="admin@example.org", password="theirs")

    with pytest.raises(CommandError, match="'admin' exists and is not the demo's"):
        make_people()

    assert User.objects.get(username="admin").check_password("theirs")


def test_a_second_demo_in_a_database_gives_its_people_a_new_password(db: None) -> None:
    make_people()
    people = make_people()

    admin = User.objects.get(username="admin")
    assert admin.check_password(people.password)
    assert admin.is_superuser
    assert set(people.sign_ins) == set(User.objects.values_list("username", flat=True))


def test_a_port_that_is_taken_is_not_offered() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert free_port(taken.getsockname()[1]) is None
    assert free_port(None) is not None


def test_progress_is_one_line_on_a_terminal_and_lines_elsewhere() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, ending in ((Terminal(), "\r"), (io.StringIO(), "\n")):
        progress = Progress(stream=stream, what="events", total=1000)
        progress._shown -= 60
        progress.show(10, "busy")
        progress.finish(1000)
        assert "events: 10 of 1,000" in stream.getvalue()
        assert ending in stream.getvalue()
        assert stream.getvalue().rstrip(" \n").endswith("s")
        assert stream.getvalue().endswith("\n")


def test_an_interrupt_waits_until_a_child_is_remembered() -> None:
    remembered = []

    def start(interrupts: Interrupts) -> None:
        with interrupts.held():
            os.kill(os.getpid(), signal.SIGTERM)
            remembered.append("child")

    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            start(interrupts)
        interrupts.ignore()
        os.kill(os.getpid(), signal.SIGINT)
    assert remembered == ["child"]


def test_a_child_that_does_not_stop_is_killed_with_its_own() -> None:
    code = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "subprocess.Popen(['sleep', '60']); print('up', flush=True); time.sleep(60)"
    )
    others = descendants(os.getpid())
    child = Child(name="stubborn", command=[sys.executable, "-c", code])
    while "up" not in child.last_lines():
        assert child.exit_code is None
    own = [each for each in descendants(os.getpid()) if each not in others]

    assert not child.stop(within=0.2)

    assert child.exit_code == -signal.SIGKILL
    child.close()
    assert len(own) >= 2
    assert are_gone(own)


def are_gone(processes: list[int]) -> bool:
    """Return whether they have ended, or do within seconds: a kill is not waited for."""
    until = time.monotonic() + 5
    while any(is_running(pid) for pid in processes) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(is_running(pid) for pid in processes)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_demo_checks_itself(manage: Manage) -> None:
    done = manage("demo", "--check", "--declarations", "30", "--port", port())

    assert done.returncode == 0, done.stdout + done.stderr
    assert "password of all" in done.stdout
    assert done.stdout.endswith("Stopped.\nThe demo is as it should be.\n")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_stops_cleanly_and_leaves_nothing(
    database_url: str, number: signal.Signals
) -> None:
    demo = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--declarations", "5", "--port", port()],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    for line in demo.stdout:
        if "All is running" in line:
            break
    children = descendants(demo.pid)
    assert len(children) > 5

    demo.send_signal(number)
    out, err = demo.communicate(timeout=60)

    assert demo.returncode == 0, err
    assert out.endswith("Stopped.\n")
    assert "Traceback" not in err
    assert are_gone(children)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_demo_that_comes_out_wrong_says_what_and_fails(draft: Draft, manage: Manage) -> None:
    declaration = draft()
    with lifted(connection):
        Entry.objects.filter(chain=declaration.record_id).update(actor="somebody else")

    done = manage("demo", "--check", "--declarations", "3", "--port", port())

    assert done.returncode == 1
    assert "This went wrong:\n- The audit trail does not verify" in done.stderr
    assert str(declaration.record_id) in done.stderr
    assert "Traceback" not in done.stderr
