"""`audit_seal`, `audit_key` and `audit_verify` as an operator and a monitor meet them."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit import keys
from audit.chain import append
from audit.keys import Key
from audit.models import Anchoring, Seal, SealKey, Unsealed, Verification
from audit.verify import verify_all
from tests.audit.rows import entry, forge, note, remove
from tests.conftest import PROJECT, Manage

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def written(entries: int) -> UUID:
    """Append so many entries to a new chain, dated now."""
    chain, at = uuid4(), timezone.now()
    append([note(chain, place, at=at) for place in range(1, entries + 1)])
    return chain


@pytest.fixture
def configured(key: Key, tmp_path: Path, settings: Any) -> Path:
    """A key and a file as an anchor."""
    anchor = tmp_path / "anchors.jsonl"
    settings.AUDIT = {"SEAL_KEY_FILE": str(tmp_path / "seal.pem"), "ANCHORS": [f"file://{anchor}"]}
    return anchor


class TestSealing:
    def test_it_seals_and_anchors(self, configured: Path) -> None:
        written(3)
        written(1)
        out, err = run("audit_seal")
        assert out.startswith("Seal 1: 4 entries, 2 chains, root ")
        assert "up to seal 1" in err
        assert json.loads(configured.read_text())["number"] == 1

    def test_nothing_changed_nothing_said(self, configured: Path) -> None:
        assert run("audit_seal")[0] == "Nothing to seal yet.\n"
        written(1)
        run("audit_seal")
        assert run("audit_seal") == ("", "")

    def test_a_failing_anchor_is_exit_code_1_and_the_seal_stands(
        self, configured: Path, settings: Any
    ) -> None:
        settings.AUDIT = {**settings.AUDIT, "ANCHORS": ["file:///no/such/folder/x"]}
        written(1)
        with pytest.raises(CommandError, match="An anchor could not be written") as caught:
            run("audit_seal")
        assert caught.value.returncode == 1
        assert Seal.objects.count() == 1
        assert not Anchoring.objects.get().succeeded

    def test_without_a_key_it_says_how_to_make_one(self, settings: Any) -> None:
        settings.AUDIT = {}
        with pytest.raises(CommandError, match="audit_key new FILE") as caught:
            run("audit_seal")
        assert caught.value.returncode == 2

    def test_an_interval_that_is_none(self, configured: Path) -> None:
        with pytest.raises(CommandError, match="--every 0: give a number of seconds"):
            run("audit_seal", "--every", "0")


class TestKeys:
    def test_from_the_first_key_to_the_second(
        self, configured: Path, tmp_path: Path, settings: Any
    ) -> None:
        written(1)
        run("audit_seal")
        public = run("audit_key", "new", str(tmp_path / "two.pem"))[0].split()[-1]
        out, _ = run("audit_key", "introduce", str(tmp_path / "two.pem"))
        assert f"Listed {public}" in out
        settings.AUDIT = {**settings.AUDIT, "SEAL_KEY_FILE": str(tmp_path / "two.pem")}
        written(1)
        run("audit_seal")
        assert verify_all().is_sound
        listed = run("audit_key", "list")[0].splitlines()
        first = SealKey.objects.order_by("introduced_at")[0].public
        assert listed[0].startswith(f"{first}  trusted, first, since ")
        assert listed[0].endswith("1 seals")
        assert listed[1].startswith(f"{public}  trusted, vouched for by {first[:16]}")
        assert "No key is pinned" in listed[2]

    def test_a_lost_key_has_a_way_out_that_is_not_trusted_by_itself(
        self, configured: Path, tmp_path: Path, settings: Any
    ) -> None:
        written(1)
        run("audit_seal")
        new = keys.make(tmp_path / "two.pem")
        settings.AUDIT = {"SEAL_KEY_FILE": str(tmp_path / "two.pem")}
        written(1)
        with pytest.raises(CommandError, match="is not listed"):
            run("audit_seal")
        run("audit_key", "introduce", str(tmp_path / "two.pem"), "--without-endorsement", "Lost.")
        run("audit_seal")
        assert "NOT TRUSTED, not vouched for: Lost." in run("audit_key", "list")[0]
        assert not verify_all().is_sound
        first = SealKey.objects.order_by("introduced_at")[0].public
        settings.AUDIT = {**settings.AUDIT, "TRUSTED_KEYS": [first, new.public]}
        assert verify_all().is_sound


class TestVerifying:
    def test_it_is_kept_unless_told_not_to(self) -> None:
        written(1)
        run("audit_verify", "--no-record")
        assert not Verification.objects.exists()
        run("audit_verify")
        assert Verification.objects.get().entries == 1

    def test_whose_key_it_believed_is_said(self, configured: Path, settings: Any) -> None:
        written(1)
        run("audit_seal")
        assert "set SEAL_TRUSTED_KEYS" in run("audit_verify")[1]
        pinned = [SealKey.objects.get().public]
        settings.AUDIT = {**settings.AUDIT, "TRUSTED_KEYS": pinned}
        assert run("audit_verify") == ("Sound: 1 entries in 1 chains, 1 seals.\n", "")

    def test_a_chain_with_nothing_left_is_broken_and_not_unknown(self, configured: Path) -> None:
        chain = written(1)
        run("audit_seal")
        remove(entry(chain, 1))
        with pytest.raises(CommandError, match="broken in 1 places") as caught:
            run("audit_verify", "--chain", str(chain))
        assert caught.value.returncode == 1

    def test_anchors_that_cannot_be_read(self, tmp_path: Path) -> None:
        for file, problem in ((tmp_path / "none", "No such file"), (tmp_path / "bad", "no seal")):
            (tmp_path / "bad").write_text("x\n")
            with pytest.raises(CommandError, match=problem) as caught:
                run("audit_verify", "--anchors", str(file))
            assert caught.value.returncode == 2


class TestExiting:
    def test_codes_for_a_monitor(self, manage: Manage) -> None:
        chain = written(2)
        assert manage("audit_verify").returncode == 0
        assert manage("audit_verify", "--chain", "x").returncode == 2
        forge(entry(chain, 1), actor="Eve")
        assert manage("audit_verify").returncode == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestKilled:
    """SIGKILL at any instant: what was marked is sealed by whoever comes next."""

    def test_a_killed_sealer_leaves_a_seal_or_its_marks(
        self, database_url: str, key: Key, tmp_path: Path, settings: Any
    ) -> None:
        env = {
            **os.environ,
            "DATABASE_URL": database_url,
            "SEAL_KEY_FILE": str(tmp_path / "seal.pem"),
            "SEAL_ANCHORS": f"file://{tmp_path / 'anchors.jsonl'}",
        }
        command = [sys.executable, "manage.py", "audit_seal", "--every", "0.01"]
        entries = 0
        for attempt in range(8):
            process = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=subprocess.DEVNULL)
            before = Seal.objects.count()
            for _ in range(40):
                written(3)
                entries += 3
            deadline = time.monotonic() + 60
            while Seal.objects.count() <= before:  # it is at work
                assert time.monotonic() < deadline
                written(1)
                entries += 1
            for _ in range(attempt * 3):
                written(1)
                entries += 1
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert verify_all().faults == []
        done = subprocess.run(
            command[:-2], cwd=PROJECT, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        report = verify_all()
        assert (report.faults, report.entries, report.unsealed) == ([], entries, 0)
        assert not Unsealed.objects.exists()
        assert sum(Seal.objects.values_list("entries", flat=True)) == entries
        anchored = {
            json.loads(line)["number"]
            for line in (tmp_path / "anchors.jsonl").read_text().splitlines()
        }
        assert anchored == set(Seal.objects.values_list("number", flat=True))

    def test_told_to_stop_it_stops_by_itself(
        self, database_url: str, key: Key, tmp_path: Path
    ) -> None:
        """And what it says is there at once, for whoever reads it by a pipe."""
        env = {
            **os.environ,
            "DATABASE_URL": database_url,
            "SEAL_KEY_FILE": str(tmp_path / "seal.pem"),
        }
        env.pop("PYTHONUNBUFFERED", None)
        written(1)
        command = [sys.executable, "manage.py", "audit_seal", "--every", "600"]
        with subprocess.Popen(
            command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Seal 1")
            process.terminate()
            assert process.wait(30) == 0
