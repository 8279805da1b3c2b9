"""Each bug is put in for real, and the test that is there for it fails, in the right words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from xml.etree import ElementTree

import pytest

from tests.conftest import PROJECT
from tests.planted.bugs import BUGS

pytestmark = pytest.mark.slow


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one test of an inner run ended."""

    ending: str
    """passed, failure (in the test itself), error (before or after it), skipped"""

    text: str


class Runs:
    """Test runs in processes of their own, on databases of their own."""

    def __init__(self, vendor: str, folder: Path) -> None:
        self._vendor = vendor
        self._report = folder / "report.xml"
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PYTEST")
        }
        if vendor == "postgresql":
            # The same server as ours, and a database that no other run has.
            url = urlsplit(os.environ["DATABASE_URL"])
            other = urlunsplit(url._replace(path=f"/planted_{os.getpid()}"))
            self._environment["TEST_POSTGRES_URL"] = other

    def run(self, *tests: str, plant: str = "") -> list[Result]:
        """Run the tests with the bug, if any, and return how each ended."""
        line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        line += ["-p", "tests.planted.plugin", *(["--plant", plant] if plant else [])]
        line += ["--database", self._vendor, f"--junitxml={self._report}", *tests]
        done = subprocess.run(
            line,
            cwd=PROJECT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert self._report.exists(), done.stdout + done.stderr
        return [_result(case) for case in ElementTree.parse(self._report).iter("testcase")]


def _result(case: ElementTree.Element) -> Result:
    for part in case:
        if part.tag in ("failure", "error", "skipped"):
            return Result(ending=part.tag, text=f"{part.get('message')}\n{part.text}")
    return Result(ending="passed", text="")


@pytest.fixture
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Runs:
    return Runs(request.config.getoption("database"), tmp_path)


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(runs: Runs, request: pytest.FixtureRequest, name: str) -> None:
    bug = BUGS[name]
    if request.config.getoption("database") not in bug.vendors:
        pytest.skip(f"only on {', '.join(bug.vendors)}")
    result, *_after = runs.run(bug.caught_by, plant=name)  # tearing down may suffer, too
    assert result.ending == "failure", f"{bug.what} Not caught.\n{result.text}"
    assert re.search(bug.says, result.text.partition("\n")[0]), result.text


def test_without_a_bug_they_pass(runs: Runs) -> None:
    """The same tests in the same kind of run: it is the bug that makes them fail."""
    tests = sorted({bug.caught_by for bug in BUGS.values()})
    results = runs.run(*tests)
    assert [result.ending for result in results] == ["passed"] * len(tests)
