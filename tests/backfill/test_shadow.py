"""Every difference between the source and what was adopted is listed."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tests.backfill.conftest import Backfill, Log
from tests.backfill.state import state
from tests.workflow.examples.logs import C, F, S, V, rows, usual
from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.models import Record
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


@pytest.fixture
def compare(tmp_path: Path) -> Any:
    def run(source: Path) -> dict[str, Any]:
        told = tmp_path / "compared.json"
        try:
            call_command(
                "shadow_compare",
                str(source),
                "--mapping",
                "declarations",
                "--json",
                str(told),
                stdout=io.StringIO(),
            )
        except CommandError:
            found: dict[str, Any] = json.loads(told.read_text())
            assert found["differences"] or found["steps"]
            return found
        found = json.loads(told.read_text())
        assert not found["differences"]
        return found

    return run


def kinds(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(d["reference"], d["kind"], d["source"], d["here"]) for d in found["differences"]]


def test_what_was_adopted_is_equal(log: Log, backfill: Backfill, compare: Any) -> None:
    path = log([*usual(30), *rows("odd", [V, C])])
    backfill(path)
    before = state()
    found = compare(path)
    assert (found["records"], found["equal"], found["steps"]) == (31, 31, [])
    assert state() == before


def test_every_kind_of_difference_is_listed(log: Log, backfill: Backfill, compare: Any) -> None:
    first = [*rows("a", [S, F]), *rows("b", [S]), *rows("c", [V, F]), *rows("e", [S])]
    backfill(log(first), "--strict")
    Declaration.objects.filter(record__reference="b").update(amount="1.00")
    Declaration.objects.filter(record__reference="a").update(number="other")
    boss = User.objects.create_superuser("boss")
    moved = Record.objects.get(reference="e")
    wish = Request(record=moved.pk, transition="reject_as_supervisor", user=boss, reason="no")
    submit(request=wish, now=clock.now())
    drain()
    found = compare(log([*first[:-1], first[-1], *rows("d", [S])]))
    assert kinds(found) == [
        ("a", "number", "number of a", "other"),
        ("b", "amount", "26.85", "1.00"),
        ("c", "event", "approve_final in row 6", "illegal_edge"),
        ("c", "status", "final_approved", "saved"),
        ("d", "event", "submit in row 8", "missing"),
        ("d", "record", "submitted", "missing"),
        ("e", "status", "submitted", "rejected_by_supervisor, moved here by reject_as_supervisor"),
    ]
    assert found["steps"] == [
        {"before": "", "after": "submit", "source": 4, "here": 3},
        {"before": "submit", "after": "", "source": 3, "here": 2},
    ]


def test_what_the_source_does_not_know_is_listed(
    log: Log, backfill: Backfill, compare: Any
) -> None:
    backfill(log([*rows("a", [S]), *rows("gone", [S])]))
    found = compare(log(rows("a", [S])))
    assert kinds(found) == [("gone", "record", "missing", "adopted")]
