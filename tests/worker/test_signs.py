"""Signs of life: of workers to their supervisor, of clusters to people."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workflow.models import Cluster
from workflow.worker import pulse, roll
from workflow.worker.pulse import Pulse

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)


class TestPulse:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv(pulse.VARIABLE, str(tmp_path))
        return tmp_path

    def dead(self) -> int:
        """Return the id of a process that is no more."""
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        return process.pid

    def test_without_any_sign_there_is_none(self, folder: Path) -> None:
        assert pulse.read(folder) == Pulse(newest=0.0, alive=0, busy=0)

    @pytest.mark.parametrize("busy", [True, False])
    def test_a_worker_tells_whether_it_is_in_the_middle_of_something(
        self, folder: Path, busy: bool
    ) -> None:
        before = time.time()
        pulse.beat(busy=not busy)
        pulse.beat(busy=busy)
        signs = pulse.read(folder)
        assert (signs.alive, signs.busy) == (1, int(busy))
        assert before - 1 < signs.newest <= time.time()

    def test_a_dead_worker_is_not_busy_but_its_last_sign_counts_once(self, folder: Path) -> None:
        file = folder / str(self.dead())
        file.write_text("busy")
        os.utime(file, (1000, 1000))
        assert pulse.read(folder) == Pulse(newest=1000.0, alive=0, busy=0)
        assert not file.exists()
        assert pulse.read(folder) == Pulse(newest=0.0, alive=0, busy=0)

    @pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only /proc tells")
    def test_a_dead_worker_that_nobody_has_buried_is_dead(self, folder: Path) -> None:
        process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.read() == b""
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and left as a zombie
        (folder / str(process.pid)).write_text("busy")
        signs = pulse.read(folder)
        process.wait()
        process.stdout.close()
        assert (signs.alive, signs.busy) == (0, 0)

    def test_a_sign_from_the_future_is_of_now(self, folder: Path) -> None:
        """A clock that was set back must not keep a stuck cluster from being restarted."""
        pulse.beat(busy=True)
        ahead = time.time() + 3600
        os.utime(folder / str(os.getpid()), (ahead, ahead))
        assert pulse.read(folder).newest <= time.time()

    def test_without_a_supervisor_nothing_is_written(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(pulse.VARIABLE)
        pulse.beat(busy=True)
        assert list(folder.iterdir()) == []


@pytest.mark.django_db
class TestRoll:
    def sign(self, cluster: str, now: datetime, *, stopped: bool = False) -> None:
        roll.sign(cluster=cluster, workers=3, restarts=0, stopped=stopped, now=now)

    def test_it_says_since_when_and_until_when(self) -> None:
        self.sign("a", NOW)
        self.sign("a", NOW + timedelta(seconds=5))
        row = Cluster.objects.get()
        assert (row.started_at, row.seen_at) == (NOW, NOW + timedelta(seconds=5))
        assert row.stopped_at is None

    def test_one_that_stopped_says_so_and_one_that_goes_on_does_not(self) -> None:
        self.sign("a", NOW)
        self.sign("a", NOW + timedelta(seconds=5), stopped=True)
        assert Cluster.objects.get().stopped_at == NOW + timedelta(seconds=5)
        self.sign("a", NOW + timedelta(seconds=9))
        assert Cluster.objects.get().stopped_at is None

    def test_those_of_last_week_are_forgotten_when_a_new_one_comes(self) -> None:
        self.sign("old", NOW)
        self.sign("recent", NOW + timedelta(days=6))
        self.sign("new", NOW + timedelta(days=7, seconds=1))
        assert set(Cluster.objects.values_list("pk", flat=True)) == {"recent", "new"}
