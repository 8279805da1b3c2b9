"""What every test may ask for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.management.commands import flush
from django.db import connection, connections

from workflow.testing.guards import lifted

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _flush_without_guards() -> Iterator[None]:
    """A transactional test's tables are emptied afterwards, which the guards would refuse."""
    handle = flush.Command.handle

    def unguarded(self: flush.Command, **options: object) -> None:
        with lifted(connections[str(options["database"])]):
            handle(self, **options)

    flush.Command.handle = unguarded
    yield
    flush.Command.handle = handle


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """The test database of this very process, for the subprocesses of a test."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{name}"))


Manage = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def manage(database_url: str) -> Manage:
    """Run a management command in a process of its own, on the test's database."""

    def run(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env={**os.environ, "DATABASE_URL": database_url},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


_SAME_ON_EACH = ("browser", "scaffold", "api/test_schemathesis.py")
"""What looks at pages, addresses and files, and takes minutes: one database is enough."""


_LONG = (
    "campaign/test_campaign.py",
    "workflow/examples/test_replay_downstreams.py",
    "api/test_schemathesis.py",
    "browser/test_looks.py",
    "crash/test_boundaries.py",
    "benchmark/test_benchmark.py",
    "workflow/evidence/test_tamper.py",
)
"""What takes a minute and more, most of it waiting."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin what is long first; leave out on PostgreSQL what is the same there, and say so."""
    here = Path(__file__).parent
    items[:] = _dealt(items, here, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    if config.getoption("database") != "postgresql":
        return
    places = [here / place for place in _SAME_ON_EACH]
    for item in items:
        is_here = any(place == item.path or place in item.path.parents for place in places)
        if is_here or item.get_closest_marker("same_on_each"):
            reason = "does not depend on the database; runs on SQLite"
            item.add_marker(pytest.mark.skip(reason=reason))


def _dealt(items: list[pytest.Item], here: Path, processes: int) -> list[pytest.Item]:
    """Return the tests with the long ones at the beginning of each process's share.

    Shares are stretches of one length. A long test at the end of the last one would be run while
    the other processes have nothing left to do.
    """
    place = {here / path: number for number, path in enumerate(_LONG)}
    long = sorted(
        (item for item in items if item.path in place), key=lambda item: place[item.path]
    )
    others = [item for item in items if item.path not in place]
    dealt: list[pytest.Item] = []
    for process in range(processes):
        own = long[process::processes]
        size = (len(items) - len(dealt)) // (processes - process)
        dealt += own + others[: size - len(own)]
        del others[: size - len(own)]
    return dealt
