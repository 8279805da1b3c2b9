"""SIGKILL at any point, again and again: the same end state as without."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from audit.verify import verify_all
from tests.backfill.conftest import Backfill, Log
from tests.backfill.state import difference, state
from tests.backfill.test_whole_log import WHOLE
from tests.conftest import PROJECT
from tests.crash.polling import until
from tests.workflow.examples.logs import J, R, S, V, rows, usual
from tests.workflow.examples.test_whole_log import LOG
from workflow.backfill.registered import find
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.replay.activities import GROUPS
from workflow.models import BackfillRun, TransitionEnvelope

KILLS = 20

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def begin(path: Path, *options: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "out.log").open("ab") as out:
            process = subprocess.Popen(
                [
                    *(sys.executable, "manage.py", "backfill", str(path)),
                    *("--mapping", "declarations", "--resume", *options),
                ],
                cwd=PROJECT,
                env={
                    **os.environ,
                    "DATABASE_URL": database_url,
                    "BACKFILL_DIR": str(tmp_path / "spool"),
                },
                stdout=out,
                stderr=out,
            )
        running.append(process)
        return process

    yield begin
    for each in running:
        if each.poll() is None:
            each.kill()
        each.wait()


def await_progress(process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the process has adopted something, or has ended."""
    begun = TransitionEnvelope.objects.count()
    until(
        lambda: process.poll() is not None or TransitionEnvelope.objects.count() > begun,
        seconds=60,
        what=f"progress: {log.read_text()[-2000:]}",
    )


def begin_anew() -> None:
    """Empty the database, but for the same people under the same keys each time."""
    call_command("flush", "--no-input", verbosity=0)
    call_command("migrate", verbosity=0)
    mapping = find("declarations")(may_write=True)
    for role in GROUPS:
        for resource in ("STAFF MEMBER", "SYSTEM"):
            mapping.actor(f"{role}/{resource}")


def source(log: Log, cases: int) -> Path:
    odd = [*rows("odd", [V, R]), *rows("bad", [S], amount="much"), *rows("stray", [J])]
    return log([*usual(cases), *odd])


def kill_again_and_again(
    start: Start, path: Path, log: Path, *, options: tuple[str, ...], pause: float
) -> None:
    """Kill the run twenty times, each time after it has adopted something; then let it end."""
    chance = random.Random(7)
    seen: list[int] = []
    while len(seen) < KILLS:
        process = start(path, *options)
        await_progress(process, log)
        time.sleep(chance.uniform(0, pause))  # any point of any batch
        told = f"after {len(seen)} kills it ended: {seen}: {log.read_text()[-2000:]}"
        assert process.poll() is None, told
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        seen.append(TransitionEnvelope.objects.count())
    assert start(path).wait(timeout=600) == 0
    assert seen[0] < seen[-1] < TransitionEnvelope.objects.count()


def compare_with_a_run_without_kills(
    start: Start, backfill: Backfill, path: Path, log: Path, **more: Any
) -> None:
    begin_anew()
    backfill(path)
    expected = state()
    table = BackfillRun.objects.get().counts
    begin_anew()
    kill_again_and_again(start, path, log, **more)
    assert difference(state(), expected) == {}
    run = BackfillRun.objects.get()
    assert (run.state, run.counts) == ("finished", table)
    assert verify_all().is_sound


@pytest.mark.django_db(transaction=True)
def test_twenty_kills_give_the_end_state_of_none(
    start: Start, log: Log, backfill: Backfill, tmp_path: Path
) -> None:
    path = source(log, 1500)
    compare_with_a_run_without_kills(
        start,
        backfill,
        path,
        tmp_path / "out.log",
        options=("--batch", "5", "--rate", "1500"),
        pause=0.1,
    )
    assert Declaration.objects.count() == 1502


@pytest.mark.slow
@pytest.mark.skipif(not LOG.exists(), reason=f"{LOG.name} is not beside the project")
@pytest.mark.skipif(WHOLE not in os.environ, reason=f"a minute more; set {WHOLE}=1")
@pytest.mark.django_db(transaction=True)
def test_twenty_kills_give_the_end_state_of_none_for_the_whole_log(
    start: Start, backfill: Backfill, tmp_path: Path
) -> None:
    compare_with_a_run_without_kills(
        start,
        backfill,
        LOG,
        tmp_path / "out.log",
        options=("--batch", "20", "--rate", "5000"),
        pause=0.5,
    )
    assert Declaration.objects.count() == 10_357


@pytest.mark.django_db(transaction=True)
def test_a_kill_while_the_source_is_read_leaves_nothing(
    start: Start, log: Log, tmp_path: Path
) -> None:
    path = source(log, 8000)
    process = start(path)
    spool = tmp_path / "spool"
    until(
        lambda: spool.exists() and list(spool.glob("*.part")), seconds=60, what="a spool is begun"
    )
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not TransitionEnvelope.objects.exists()
    assert start(path, "--batch", "500").wait(timeout=120) == 0
    assert BackfillRun.objects.get().counts["records.new"] == 8002
