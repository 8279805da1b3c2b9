"""The campaign itself finds planted bugs: with one in, its own counts are not 0, and it says 1."""

from __future__ import annotations

import os

import pytest

from tests.campaign.conftest import Campaign

pytestmark = pytest.mark.slow


_WANTED = "ESCAPEMENT_PLANTED_CAMPAIGNS"
"""Environment variable; without it, one of these is run, and the others are left out."""

QUIET = "kill the backfill"
"""A fault that does not matter: what is found is due to the bug."""


dear = pytest.mark.skipif(
    _WANTED not in os.environ, reason=f"takes three quarters of a minute; set {_WANTED}=1"
)


@pytest.mark.parametrize(
    ("bug", "only", "count"),
    [
        ("doubt sent again", QUIET, "silent re-sends"),
        pytest.param(
            "look-up before the call has settled", QUIET, "duplicate effects", marks=dear
        ),
        pytest.param("effects overtake each other", QUIET, "effects out of order", marks=dear),
        pytest.param(
            "no guard of the status",
            "change a status behind the engine's back",
            "illegal edges",
            marks=dear,
        ),
    ],
)
def test_a_campaign_finds(
    campaign: Campaign, request: pytest.FixtureRequest, bug: str, only: str, count: str
) -> None:
    if request.config.getoption("database") != "sqlite":
        pytest.skip("the bugs are in code that is the same on each database; runs on SQLite")

    ended = campaign(
        *("--minutes", 0.25, "--seed", 1, "--rate", 20, "--records", 100, "--only", only),
        *("--downstream-faults", 0.06, "--patience", 4),
        APPS="tests.planted",
        PLANT=bug,
    )

    assert ended.code == 1, ended.said
    assert count in ended.wrong, ended.said
