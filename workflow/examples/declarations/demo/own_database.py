"""A database of the demo's own: a file that every demo begins anew."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.management.base import CommandError

from workflow.examples.declarations.console.child import django, environment

_OWN = "ESCAPEMENT_DEMO_DATABASE"
"""Environment variable with the file's path, once it is chosen."""


def folder() -> Path:
    """Return where the demo keeps its files."""
    found = Path(settings.BASE_DIR, "var", "demo")
    found.mkdir(parents=True, exist_ok=True)
    return found


def choose(arguments: list[str]) -> None:
    """Go on in a process whose settings name the demo's file, unless a database is given.

    Settings are read before a command runs, so this replaces the process by one with another
    environment; in that one, and where DATABASE_URL is set, it does nothing.
    """
    if os.environ.get(_OWN) or os.environ.get("DATABASE_URL"):
        return
    file = folder() / "demo.sqlite3"
    wanted = {**os.environ, **environment(), _OWN: str(file), "DATABASE_URL": f"sqlite:///{file}"}
    sys.stdout.flush()
    os.chdir(settings.BASE_DIR)
    os.execve(sys.executable, django("demo", *arguments), wanted)  # noqa: S606  (no shell)


def lock() -> IO[str] | None:
    """Take the demo's file for this process and empty it; None where a database was given.

    Raises:
        CommandError: Another demo has it.
    """
    own = os.environ.get(_OWN)
    if own is None:
        return None
    held = Path(own).with_suffix(".lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        raise CommandError(
            f"A demo is running on {own} already. Stop it first, or let DATABASE_URL name"
            " another database."
        ) from None
    for suffix in ("", "-wal", "-shm"):
        Path(f"{own}{suffix}").unlink(missing_ok=True)
    return held
