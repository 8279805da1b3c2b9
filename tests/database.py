"""The database that a test run uses: a pytest plugin, loaded before Django's settings.

`--database sqlite` (the default) uses a file, since tests start real threads and processes.
`--database postgresql` uses the server of TEST_POSTGRES_URL, else installed binaries, else the
server that pip installed. There is no fourth way: a run without a server fails.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.postgres import server

_FOLDER = "ESCAPEMENT_TEST_FOLDER"
_stack = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, args: list[str], parser: pytest.Parser
) -> None:
    """Start what is needed, in the controller only; xdist's workers inherit the environment."""
    os.environ["INSECURE_HTTP"] = "true"
    os.environ["LOG_FORMAT"] = "json"
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault("SECRET_KEY", "of a test run")
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    folder = _stack.enter_context(tempfile.TemporaryDirectory(prefix="escapement-test-"))
    os.environ[_FOLDER] = folder
    if early_config.known_args_namespace.database == "postgresql":
        os.environ["DATABASE_URL"] = _stack.enter_context(server())
    else:
        os.environ["DATABASE_URL"] = f"sqlite:///{Path(folder, 'db.sqlite3')}"


def pytest_configure(config: pytest.Config) -> None:
    """Name SQLite's test database: a file, not Django's default in memory."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    wanted = config.getoption("database")
    assert (
        database["ENGINE"]
        == {
            "sqlite": "django.db.backends.sqlite3",
            "postgresql": "django.db.backends.postgresql",
        }[wanted]
    ), f"asked for {wanted}, configured {database['ENGINE']}"
    if wanted == "sqlite":
        database.setdefault("TEST", {})["NAME"] = str(Path(os.environ[_FOLDER], "test.sqlite3"))


def pytest_report_header(config: pytest.Config) -> str:
    """Say which database it is. On a bare connection: Django's is barred outside of tests."""
    from django.db import connection

    version = "version()" if connection.vendor == "postgresql" else "sqlite_version()"
    bare = connection.get_new_connection(connection.get_connection_params())
    try:
        told = bare.execute(f"SELECT {version}").fetchone()[0].partition(" on ")[0]
    finally:
        bare.close()
    return f"database: {connection.vendor} {told}"


def pytest_unconfigure() -> None:
    _stack.close()


@pytest.fixture(scope="session", autouse=True)
def _vendor(request: pytest.FixtureRequest) -> None:
    """Make sure that the run tests what it says."""
    from django.db import connection

    assert connection.vendor == request.config.getoption("database")
