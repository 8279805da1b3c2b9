"""The secret key: given, or made once and kept where its owner alone can read it."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config import secret
from tests.config.loading import bare, copy, load

KEEP = """
import sys
from pathlib import Path
from config.secret import kept_in
sys.stdin.read()
print(kept_in(Path(sys.argv[1])), end="")
"""


@pytest.mark.parametrize("key", ["given", "#a=b c", "$given", "g$iven"])
def test_one_that_is_given_is_used_and_none_is_kept(tmp_path: Path, key: str) -> None:
    """Django's own generator makes keys of letters, digits and `!@#$%^&*(-_=+)`."""
    settings = load(tmp_path, SECRET_KEY=key)
    assert settings["SECRET_KEY"] == key
    assert not Path(settings["VAR_DIR"], "secret_key").exists()


@pytest.mark.parametrize("environment", [{}, {"SECRET_KEY": ""}], ids=["none", "empty"])
def test_without_one_production_gets_a_strong_one(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    settings = load(tmp_path, **environment)
    key = settings["SECRET_KEY"]
    assert len(key) >= 50
    assert len(set(key)) > 10
    assert not key.startswith("django-insecure")
    assert Path(settings["VAR_DIR"], "secret_key").read_text() == key


def test_it_is_the_same_after_a_restart_and_another_elsewhere(tmp_path: Path) -> None:
    here, there = tmp_path / "here" / "key", tmp_path / "there" / "key"
    assert secret.kept_in(here) == secret.kept_in(here)
    assert secret.kept_in(here) != secret.kept_in(there)


def test_its_owner_alone_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "key"
    secret.kept_in(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["key"], "a draft is left"


def test_a_draft_of_a_process_that_died_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret.os, "getpid", lambda: 77)
    draft = tmp_path / "key.77"
    draft.write_text("half a ke")
    key = secret.kept_in(tmp_path / "key")
    assert len(key) >= 50
    assert not draft.exists()


def test_the_one_that_is_first_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"

    def slow() -> str:
        file.write_text("of another process")
        return "ours"

    monkeypatch.setattr(secret, "get_random_secret_key", slow)
    assert secret.kept_in(file) == "of another process"
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    project = copy(tmp_path)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", KEEP, str(tmp_path / "key")],
            cwd=project,
            env=bare(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    told = set()
    for process in started:
        assert process.stdout is not None
        with process.stdout:
            told.add(process.stdout.read())
        assert process.wait(30) == 0
    assert len(told) == 1
    assert len(told.pop()) >= 50
