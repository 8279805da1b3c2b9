"""`manage.py benchmark`, a small one: it ends by itself, its books are right, its names stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.conftest import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

NAMES = {
    *("database", "workers", "n", "e2e_per_s", "drain_per_s", "request_per_s"),
    *("bulk_request_per_s", "e2e_ratio", "drain_ratio", "p50_ms", "p95_ms", "cpu_s_per_1000"),
    *("statements_per_transition", "commits_per_transition", "verified"),
}


def benchmark(*arguments: str) -> dict[str, Any]:
    url = "sqlite:///" if connection.vendor == "sqlite" else os.environ["DATABASE_URL"]
    done = subprocess.run(
        [sys.executable, "manage.py", "benchmark", "--json", "--database", url, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def test_its_figures_have_their_names_and_its_books_are_right() -> None:
    figures = benchmark("--n", "150", "--rounds", "1")
    assert set(figures) >= NAMES
    assert figures["verified"] is True
    assert figures["database"] == connection.vendor
    # A batch shares its statements: neither of the two grows with what is done.
    assert figures["statements_per_transition"] < 2.5
    assert figures["commits_per_transition"] < 0.5


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--n", "0"], "--n 0"),
        (["--database", "mysql://nobody/nothing"], "mysql"),
        (["--database", "postgres://nobody@127.0.0.1:1/nothing"], "no connection"),
    ],
)
def test_what_cannot_be_measured_is_said(arguments: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        call_command("benchmark", *arguments)
