"""A database of the benchmark's own, made and dropped again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.core.management.base import CommandError


@contextmanager
def scratch(url: str) -> Iterator[str]:
    """Yield the URL of an empty database: a file, or one beside the given one on its server.

    Raises:
        CommandError: There is no yardstick for such a database, or it cannot be made.
    """
    kind = urlsplit(url).scheme
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="escapement-benchmark-") as folder:
            yield f"sqlite:///{folder}/benchmark.sqlite3"
    elif kind in ("postgres", "postgresql"):
        with _on_server(url) as made:
            yield made
    else:
        raise CommandError(f"--database {kind}://...: sqlite or postgres is needed.")


@contextmanager
def _on_server(url: str) -> Iterator[str]:
    import psycopg  # noqa: PLC0415  (not there where SQLite is used)

    name = f"escapement_benchmark_{os.getpid()}"
    plain = urlsplit(url)._replace(scheme="postgresql").geturl()
    try:
        server = psycopg.connect(plain, autocommit=True)
    except psycopg.OperationalError as error:
        raise CommandError(f"--database: no connection: {error}") from None
    with server:
        server.execute(f'create database "{name}"')
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f'drop database if exists "{name}" with (force)')
