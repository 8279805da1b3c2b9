"""A database to break things in, made for it and destroyed afterwards; never the live one.

Its server is the one that is configured, since that is what is to be tried. The database is new,
has a name of its own, and is migrated as any other, so that it has the guards.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.db import DatabaseError, connection

_TRIES = 20
_PAUSE = 0.25


class NoScratch(Exception):
    """The database's server did not let one be made."""


@contextmanager
def scratch(*, purpose: str) -> Iterator[str]:
    """Go over to a new database, yield its URL for other processes, and destroy it at the end.

    While it lasts, everything in this process goes there. Takes some seconds, for the migrations.

    Args:
        purpose: A word that becomes part of its name.

    Raises:
        NoScratch: There is no making one: the role may not, or the server is away.
    """
    live = str(connection.settings_dict["NAME"])
    with ExitStack() as stack:
        name = f"escapement_{purpose}_{os.getpid()}"
        if connection.vendor == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="escapement-"))
            name = str(Path(folder, f"{name}.sqlite3"))
        if name == live:
            raise NoScratch(f"The live database has the name {name!r}.")
        tests = connection.settings_dict["TEST"]
        given = tests["NAME"]
        tests["NAME"] = name
        connection.close()
        try:
            connection.creation.create_test_db(verbosity=0, autoclobber=False)
        except (Exception, SystemExit) as error:
            # Django may tell it on standard error and end the process. What it had made by then
            # is known by its name, and nothing else is taken away.
            if connection.settings_dict["NAME"] == name:
                _destroy(live)
            # An exit has told its reason already, and carries a number only.
            told = "" if isinstance(error, SystemExit) else f" {error}"
            raise NoScratch(
                f"No database {name!r} could be made beside {live!r}: the role needs the right to"
                f" make databases.{told}"
            ) from error
        finally:
            tests["NAME"] = given
        try:
            yield url()
        finally:
            _destroy(live)


def _destroy(live: str) -> None:
    """Destroy the database that is used now, and go back to the live one.

    A server may take a moment to notice that a worker which was killed has gone.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            connection.creation.destroy_test_db(live, verbosity=0)
        except DatabaseError:
            if not tries_left:
                raise
            time.sleep(_PAUSE)
        else:
            break
    connection.close()


def url() -> str:
    """Return the URL of the database that this process uses now, for others."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
