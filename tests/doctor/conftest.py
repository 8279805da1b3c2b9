"""A system that is sound but for what a test does to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.effects.conftest import Ask, Errand, ann, ask, boss, later, make, script
from workflow.doctor.examine import examine
from workflow.doctor.finding import Finding
from workflow.engine import clock
from workflow.models import Cluster

__all__ = ["Ask", "Errand", "ann", "ask", "boss", "later", "make", "script"]

OF_A_TEST_RUN = {"commits_not_durable", "no_idle_limit", "not_verified"}
"""What the servers of test runs are told to risk, and what nobody did yet."""


@pytest.fixture(autouse=True)
def cluster(db: None) -> Cluster:
    now = clock.now()
    return Cluster.objects.create(name="alive", started_at=now, seen_at=now, workers=3)


Look = Callable[..., dict[str, Finding]]


@pytest.fixture
def look(ann: Any) -> Look:
    """Examine; return the findings that a test run does not explain, by their codes."""

    def look(*, full: bool = False) -> dict[str, Finding]:
        found = examine(now=clock.now(), full=full, say=lambda _: None)
        return {each.code: each for each in found if each.code not in OF_A_TEST_RUN}

    return look


@pytest.fixture
def told() -> Callable[..., tuple[int, Any]]:
    """Run the command; return its exit code and what it printed as JSON."""

    def told(*line: str) -> tuple[int, Any]:
        out = StringIO()
        try:
            call_command("doctor", "--json", *line, stdout=out, stderr=StringIO())
        except CommandError as error:
            return error.returncode, json.loads(out.getvalue() or "null")
        return 0, json.loads(out.getvalue())

    return told
