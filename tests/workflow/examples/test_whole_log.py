"""The public log as a file: what the reader and the plan make of all of it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from tests.conftest import PROJECT
from workflow.examples.declarations.demo.walks import NEXT
from workflow.examples.declarations.replay.plan import Plan, plan
from workflow.examples.declarations.replay.rows import read

LOG = PROJECT.parent / "shared" / "data" / "domestic_declarations.csv.gz"

pytestmark = pytest.mark.skipif(
    not LOG.exists(), reason=f"the public log is not beside the project ({LOG.name})"
)


@pytest.fixture(scope="module")
def whole() -> Plan:
    return plan(read(LOG))


def test_every_row_of_the_log_is_good(whole: Plan) -> None:
    assert (len(whole.cases), whole.events) == (10_357, 55_628)
    assert (whole.broken, whole.repeated_rows) == ([], 0)


def test_the_demo_goes_its_ways_as_often_as_the_log(whole: Plan) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    for case in whole.cases.values():
        activities = ["", *(step.event.activity for step in case.steps), ""]
        counted.update(pairwise(activities))
    ours = {(before, after): n for before, ways in NEXT.items() for after, n in ways.items()}

    assert {pair: counted[pair] for pair in ours} == ours
    left = {pair: n for pair, n in counted.items() if pair not in ours}
    assert left == {
        ("Declaration SAVED by EMPLOYEE", "Request Payment"): 1,
        ("Declaration REJECTED by SUPERVISOR", "Request Payment"): 1,
        ("Declaration FINAL_APPROVED by SUPERVISOR", "Payment Handled"): 1,
        ("Payment Handled", "Declaration REJECTED by EMPLOYEE"): 1,
    }
