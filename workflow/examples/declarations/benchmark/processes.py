"""Child processes of a benchmark, and the processor time that they took."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from workflow.examples.declarations.console.child import django, environment

_PACKAGE = "workflow.examples.declarations.benchmark"
_SECONDS = 60.0


class Processes:
    """Starts what a round needs; everything ends with the block that it is for."""

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder
        self.cpu_seconds = 0.0
        """User and system time of every process of the clusters, since they were ready."""

    @contextmanager
    def cluster(self, workers: int) -> Iterator[None]:
        """Run `manage.py work`, from when it says that its workers are there.

        What it takes to start is not counted: nothing is worked on in that time.
        """
        where = self._folder / "notify"
        where.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(where))
            ready.settimeout(_SECONDS)
            before = _cpu_of_children()
            process = self._start(
                django("work", "--workers", str(workers)), {"NOTIFY_SOCKET": str(where)}
            )
            try:
                while ready.recv(256) != b"READY=1":
                    pass
                before += _cpu_of_session(process.pid)
                yield
            finally:
                _stop(process)
                self.cpu_seconds += _cpu_of_children() - before

    @contextmanager
    def by_hand(self, workers: int, *, sink: str) -> Iterator[None]:
        """Run the yardstick's workers."""
        command = [sys.executable, "-m", f"{_PACKAGE}.by_hand.worker", sink]
        running = [self._start(command, {}) for _ in range(workers)]
        try:
            yield
        finally:
            for process in running:
                _stop(process)

    def _start(self, command: Sequence[str], more: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self._folder / "output").open("ab") as out:
            return subprocess.Popen(  # noqa: S603  (a constant of this code)
                list(command),
                env={**os.environ, **environment(), "LOG_LEVEL": "ERROR", **more},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def output(self) -> str:
        """Return what they printed."""
        file = self._folder / "output"
        return file.read_text(errors="replace") if file.exists() else ""


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cpu_of_session(leader: int) -> float:
    """Return what the live processes of a session have used, in seconds; 0 without /proc."""
    used = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[3]) == leader:
            used += sum(int(field) for field in fields[11:15])  # with that of its ended children
    return used / os.sysconf("SC_CLK_TCK")


@contextmanager
def sink() -> Iterator[str]:
    """Run the downstream; yield its URL."""
    process = subprocess.Popen(  # noqa: S603  (a constant of this code)
        [sys.executable, "-m", f"{_PACKAGE}.sink"],
        env={**os.environ, **environment()},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdout is None:
            raise AssertionError("its output is a pipe")
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
    finally:
        process.kill()
        process.wait()


def told(url: str) -> dict[str, int]:
    """Return what the downstream counted: calls, and different keys among them."""
    with urlopen(url) as answer:  # noqa: S310  (its own sink, on loopback)
        counted: dict[str, int] = json.load(answer)
    return counted
