"""Two minutes of a campaign on each database: everything is broken in turn, every count is 0."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.campaign.conftest import Campaign
from workflow.testing.postgres import installed


@pytest.mark.slow
def test_a_short_campaign_leaves_everything_whole(
    campaign: Campaign, request: pytest.FixtureRequest
) -> None:
    database = request.config.getoption("database")
    if database == "postgresql" and installed() is None:
        pytest.skip("no PostgreSQL is installed that a campaign could crash")

    ended = campaign("--minutes", 2, "--seed", 7, "--database", database, "--rate", 12)

    assert ended.code == 0, ended.said
    assert not ended.wrong
    told = ended.told
    faults = Counter(each["kind"] for each in told["injected"])
    assert len(faults) >= 5, faults
    assert told["transitions"]["fired"] > 100
    assert told["clients"]["answer lost after the commit, sent again"] > 5
    assert sum(told["downstream"].values()) > 5
    for kind in ("crash the database", "step a host's clock"):
        assert (kind in told["missing"]) == (database == "sqlite")


@pytest.mark.django_db(transaction=True)
def test_it_runs_on_no_database_that_is_in_use(
    campaign: Campaign, database_url: str, in_use: None
) -> None:
    ended = campaign("--minutes", 0.1, "--database", database_url)
    assert ended.code == 1
    assert "has records in it" in ended.said
    assert not ended.told


def test_a_fault_that_is_not_known_is_refused(campaign: Campaign) -> None:
    ended = campaign("--only", "bribe the auditor")
    assert ended.code == 1
    assert "--only 'bribe the auditor': choose among change a status" in ended.said


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--minutes", 0, "--minutes 0.0: at least 0.1"),
        ("--records", 1, "--records 1: at least 10"),
        ("--downstream-faults", 0.5, "--downstream-faults 0.5: from 0 to 0.25"),
    ],
)
def test_what_makes_no_sense_is_refused(
    campaign: Campaign, option: str, value: float, says: str
) -> None:
    ended = campaign(option, value)
    assert ended.code == 1
    assert says in ended.said
