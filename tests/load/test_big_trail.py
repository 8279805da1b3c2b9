"""The promise of the verification, on a small trail: pace and memory do not depend on its size.

CPU time counts, not the clock: other processes may be at work here.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import PROJECT

pytestmark = pytest.mark.slow


def run(*arguments: str, database_url: str) -> dict[str, float]:
    import os

    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": database_url, "LOG_LEVEL": "WARNING"},
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told


def test_20_000_entries_a_second_in_flat_memory(database_url: str) -> None:
    program = ("-m", "tests.load.big_trail")
    made = run(*program, "make", "--entries", "60000", database_url=database_url)
    assert made["seals"] >= 1
    seen = run(*program, "verify", database_url=database_url)
    assert (seen["entries"], seen["problems"]) == (60_000, 0)
    assert seen["entries"] / seen["cpu_seconds"] > 20_000
    assert seen["peak_mb"] < 200
