"""Puts a bug into a test run: `pytest -p tests.planted.plugin --plant "slot not unique"`."""

from __future__ import annotations

from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plant", help="Name of a bug (tests/planted/bugs.py).")


@pytest.fixture(scope="session", autouse=True)
def _planted(request: pytest.FixtureRequest) -> None:
    """Plant it for the whole run, which is a process of its own: nothing has to be put back."""
    from tests.planted.bugs import BUGS

    name = request.config.getoption("--plant")
    bug = BUGS[name] if name else None
    if bug and bug.code:
        bug.code()
    request.getfixturevalue("django_db_setup")
    if bug and bug.database:
        blocker: Any = request.getfixturevalue("django_db_blocker")
        with blocker.unblock():
            bug.database()
