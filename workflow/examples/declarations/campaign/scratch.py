"""A database that a campaign makes for itself, and takes away afterwards."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from workflow.testing.postgres import Server, from_pip, installed

_DISK = "384m"
_OPTIONS = "-c max_connections=200 -c restart_after_crash=on"


class NoServer(Exception):
    """A PostgreSQL server is asked for, and its programs are not there."""


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """What was made."""

    folder: Path
    url: str
    server: Server | None = None
    """The server, if it is ours to stop and kill."""

    disk: Path | None = None
    """A small file system that holds nothing but the database, if one could be mounted."""


@contextmanager
def scratch(*, database: str) -> Iterator[Scratch]:
    """Make a database: `sqlite`, `postgresql` (a server of its own), or one given by its address.

    Raises:
        NoServer: PostgreSQL is not installed.
    """
    with ExitStack() as made:
        folder = Path(
            made.enter_context(
                tempfile.TemporaryDirectory(prefix="campaign-", ignore_cleanup_errors=True)
            )
        )
        folder.chmod(0o755)
        if database == "sqlite":
            disk = made.enter_context(_disk(folder))
            file = (disk or folder) / "campaign.sqlite3"
            yield Scratch(folder=folder, url=f"sqlite:///{file}", disk=disk)
        elif database == "postgresql":
            server = _server(folder)
            server.make()
            made.callback(_end, server)
            yield Scratch(folder=folder, url=server.url, server=server)
        else:
            yield Scratch(folder=folder, url=database)


def _server(folder: Path) -> Server:
    binaries = installed() or from_pip()
    if binaries is None:
        raise NoServer(
            "--database postgresql: no PostgreSQL server is installed. Install one, or give the"
            " address of an empty database: --database postgres://USER:PASSWORD@HOST/NAME"
        )
    place = folder / "postgresql"
    place.mkdir()
    return Server(binaries=binaries, folder=place, options=_OPTIONS)


def _end(server: Server) -> None:
    try:
        server.stop()
    except subprocess.CalledProcessError:
        return  # a fault has stopped it already


@contextmanager
def _disk(folder: Path) -> Iterator[Path | None]:
    """Mount a file system in memory, small enough to be filled; yield None if forbidden."""
    disk = folder / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={_DISK}", "campaign", str(disk)]
    try:
        done = subprocess.run(["mount", *options], capture_output=True, check=False)  # noqa: S603,S607
    except FileNotFoundError:
        yield None
        return
    if done.returncode:
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)  # noqa: S603,S607
