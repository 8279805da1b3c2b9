"""The replay with real workers in processes of their own, some of which are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from audit.verify import verify_all
from tests.conftest import PROJECT
from tests.workflow.examples.logs import usual, write
from workflow.models import Attempt, Ending, State, TransitionEnvelope

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LOG = PROJECT.parent / "shared" / "data" / "domestic_declarations.csv.gz"


class Replay:
    """A running `manage.py replay_declarations`."""

    def __init__(self, url: str, log: Path, out: Path, *options: str) -> None:
        self.out = out
        self.process = subprocess.Popen(
            [
                *(sys.executable, "manage.py", "replay_declarations", str(log)),
                *("--json", str(out), *options),
            ],
            cwd=PROJECT,
            env={**os.environ, "DATABASE_URL": url, "LEASE_SECONDS": "25"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, timeout: float = 120) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out, err

    def table(self) -> dict[str, Any]:
        """Return what must not depend on kills and copies."""
        told: dict[str, Any] = json.loads(self.out.read_text())
        del told["sent"], told["deduplicated"]
        return told

    def clusters(self) -> list[int]:
        """Return the processes of the workers' clusters: workers, pusher, monitor, sentinel."""
        return [pid for pid in descendants(self.process.pid) if b"worker.serve" in command(pid)]


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def descendants(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, left = [], [root]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found


def test_a_replay_brings_its_own_workers_and_leaves_none(
    database_url: str, tmp_path: Path
) -> None:
    log = write(tmp_path / "log.csv", usual(20))
    run = Replay(database_url, log, tmp_path / "table.json", "--duplicate", "3", "--workers", "2")

    code, out, err = run.finish()

    assert code == 0, err
    told = run.table()
    assert told["states"] == {"fired": told["requested"]}
    assert told["equal"] == told["cases"] == 20
    assert "events: " in err
    assert "events requested" in out
    assert verify_all().is_sound


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers in /proc")
def test_killed_workers_change_nothing_in_the_table(database_url: str, tmp_path: Path) -> None:
    """Kills a process of the workers' cluster at random, again and again, once it is up."""
    log = write(tmp_path / "log.csv", usual(100))
    chance = random.Random(7)
    run = Replay(database_url, log, tmp_path / "killed.json", "--duplicate", "3", "--workers", "2")
    kills = 0
    while run.process.poll() is None:
        try:
            run.process.wait(timeout=0.4)
        except subprocess.TimeoutExpired:
            alive = run.clusters()
            if len(alive) >= 5 and kills < 8:
                os.kill(chance.choice(alive), signal.SIGKILL)
                kills += 1
    code, _, err = run.finish()

    assert code == 0, err
    assert kills > 2
    told = run.table()
    assert told["states"] == {"fired": told["requested"]}
    assert told["equal"] == told["cases"] == 100
    fired = TransitionEnvelope.objects.filter(state=State.FIRED)
    assert fired.count() == told["requested"]
    assert Attempt.objects.filter(ending=Ending.FIRED).count() == told["requested"]
    assert verify_all().is_sound


def test_an_interrupted_replay_shows_how_far_it_came(database_url: str, tmp_path: Path) -> None:
    log = write(tmp_path / "log.csv", usual(30))
    run = Replay(database_url, log, tmp_path / "table.json")
    assert run.process.stderr is not None
    assert "declarations started" in run.process.stderr.readline()

    run.process.send_signal(signal.SIGINT)
    code, out, err = run.finish()

    assert code == 130, err
    assert "events requested" in out
    assert "Interrupted" in err
    assert "Traceback" not in err


@pytest.mark.skipif(
    not LOG.exists(), reason=f"the public log is not beside the project ({LOG.name})"
)
@pytest.mark.skipif(
    "ESCAPEMENT_WHOLE_LOG" not in os.environ,
    reason="takes minutes; set ESCAPEMENT_WHOLE_LOG=1 to replay all 55,628 events",
)
def test_the_whole_log_ends_as_it_did(database_url: str, tmp_path: Path) -> None:
    run = Replay(database_url, LOG, tmp_path / "table.json", "--duplicate", "3", "--workers", "2")

    code, _, err = run.finish(timeout=1800)

    assert code == 0, err
    told = run.table()
    assert told["requested"] == 55_628
    assert told["states"] == {"fired": 55_623, "refused": 5}
    assert told["refused"] == {"wrong_status": 5}
    assert (told["equal"], len(told["differing"])) == (10_355, 2)
