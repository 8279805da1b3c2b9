"""M2: an app's own workflow is killed at every boundary, and what breaks is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def crashtest(database_url: str) -> Run:
    def run(*line: str, apps: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", "crashtest", *line],
            cwd=PROJECT,
            env={**os.environ, "DATABASE_URL": database_url, "APPS": apps},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def test_a_sound_transition_comes_out_whole_everywhere(crashtest: Run, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    line = ("declarations", "--transition", "save", "--acts", "cancel,pause")
    done = crashtest(*line, "--json", "--out", str(out))
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["sound"]
    assert report["counts"]["BROKEN"] == 0
    assert report["deaths"] >= report["counts"]["ok"] >= 12
    cases = {(case["place"], case["act"]): case for case in report["cases"]}
    assert cases["claim.committed", "nothing"]["ended"] == "fired, record saved"
    assert cases["claim.committed", "cancelled"]["ended"] == "cancelled, record draft"
    assert cases["batch.committed", "cancelled"]["ended"] == "fired, record saved"
    assert cases["call.begins", "nothing"]["verdict"] == "not passed"
    rescue = "rescue.written after a death at claim.committed"
    assert cases[rescue, "nothing"]["deaths"] == 2
    assert {"date", "Django", "database", "Python"} <= set(report["environment"])


def test_a_wrongly_declared_recovery_is_caught(crashtest: Run) -> None:
    """The provider does not honour keys; `Resend` pays twice, and the count is the provider's."""
    done = crashtest("careless", "--acts", "none", apps="tests.crashtest.careless")
    assert done.returncode == 1, done.stderr
    assert "**NOT SOUND.**" in done.stdout
    assert "`pay`, killed at call.ended, nothing:" in done.stdout
    assert ":instruct_payment was carried out 2 times" in done.stdout
    assert "`refuse` could not be tried: refused: Not today." in done.stdout
    assert "killed at claim.committed, nothing:" not in done.stdout


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (("nothing",), "there is: declaration"),
        (("declarations", "--transition", "fly"), "has save, submit"),
        (("declarations", "--acts", "sleep"), "choose of repeat, cancel"),
    ],
)
def test_bad_input_is_told(crashtest: Run, line: Any, says: str) -> None:
    done = crashtest(*line)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert says in done.stderr
