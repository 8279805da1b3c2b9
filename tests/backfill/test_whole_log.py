"""The whole public log: every row accounted for, what follows on what unchanged, no-op again."""

from __future__ import annotations

import csv
import gzip
import os
from collections import Counter
from itertools import groupby, pairwise

import pytest

from audit.verify import verify_all
from tests.backfill.conftest import Backfill
from tests.backfill.state import pairs, state
from tests.workflow.examples.test_whole_log import LOG
from workflow.examples.declarations.replay.activities import STEPS
from workflow.models import Record

WHOLE = "ESCAPEMENT_WHOLE_LOG"
"""Environment variable; with it, what takes minutes on the whole log is tried as well."""

pytestmark = [
    pytest.mark.slow,
    # As in earnest: in a test's transaction, each of ours would be a savepoint, slow on SQLite.
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not LOG.exists(), reason=f"{LOG.name} is not beside the project"),
]


def steps_of_the_log() -> Counter[tuple[str, str]]:
    """Count them from the file alone, with nothing of ours but the names."""
    counted: Counter[tuple[str, str]] = Counter()
    with gzip.open(LOG, "rt", encoding="utf-8", newline="") as file:
        for _, rows in groupby(csv.DictReader(file), key=lambda row: row["case_id"]):
            names = [STEPS[row["activity"]].transition for row in rows]
            counted.update(pairwise(["", *names, ""]))
    return counted


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="anomalies adopted"),
        pytest.param(
            ("--strict",),
            id="strict",
            marks=pytest.mark.skipif(
                WHOLE not in os.environ, reason=f"a minute more; set {WHOLE}=1"
            ),
        ),
    ],
)
def test_the_whole_log(backfill: Backfill, options: tuple[str, ...]) -> None:
    table = backfill(LOG, *options)
    assert table["rows"] == table["accounted"] == 55_628
    if options:
        assert (table["adopted"], table["rejected"]) == (55_623, {"illegal_edge": 5})
    else:
        assert (table["adopted"], table["anomalies"]) == (55_624, {"illegal_edge": 4})
    assert table["records"] == {"new": 10_357}
    assert pairs() == steps_of_the_log()
    assert verify_all().is_sound

    before = state()
    again = backfill(LOG, *options)
    assert (again["adopted"], again["known"]) == (0, 55_628 - sum(table["rejected"].values()))
    assert state() == before
    assert Record.objects.exclude(version=0).count() == 0
