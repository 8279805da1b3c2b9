"""A sign of life from each worker to its supervisor: one small file each, touched as it works.

Files, not the queue and not the database: they must speak while either is stuck.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "ESCAPEMENT_PULSE"
"""Environment variable by which a supervisor tells its workers the folder."""

KNOCK_EVERY = 2.0
"""Seconds after which a worker is woken though nothing is due, and so shows itself."""

_BUSY = b"busy"
_IDLE = b"idle"
"""Of one length: each is written over the other."""

_DRAINING = "draining"


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """What the supervisor reads of its workers."""

    newest: float
    """Unix time of the last sign of any worker; 0 if there was none."""

    alive: int
    """Live workers that have shown themselves."""

    busy: int
    """Those of them that are in the middle of a turn."""


def beat(*, busy: bool) -> None:
    """Show that this process works, or has just gone idle. Does nothing without a supervisor."""
    folder = os.environ.get(VARIABLE)
    if folder:
        # Over the last sign: to empty the file first would take longer than a statement.
        file = os.open(Path(folder, str(os.getpid())), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.write(file, _BUSY if busy else _IDLE)
        finally:
            os.close(file)


def drain(folder: Path) -> None:
    """Tell the workers of a supervisor to begin nothing new."""
    (folder / _DRAINING).touch()


def is_draining() -> bool:
    """Return whether this process's supervisor wants it to come to an end."""
    folder = os.environ.get(VARIABLE)
    return folder is not None and Path(folder, _DRAINING).exists()


def clear(folder: Path) -> None:
    """Forget the signs of all workers."""
    for file in _signs(folder):
        file.unlink()


def read(folder: Path) -> Pulse:
    """Return how the workers of a supervisor are; files of dead ones are taken away."""
    newest = 0.0
    alive = busy = 0
    for file in _signs(folder):
        newest = max(newest, file.stat().st_mtime)
        if not _is_alive(int(file.name)):
            file.unlink()
            continue
        alive += 1
        busy += file.read_bytes() == _BUSY
    return Pulse(newest=min(newest, time.time()), alive=alive, busy=busy)


def _signs(folder: Path) -> Iterator[Path]:
    return folder.glob("[0-9]*")


def _is_alive(process: int) -> bool:
    """Return whether it runs; a zombie, whose parent does not look after it, does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True  # no /proc here; or it has gone just now, and the next look will tell
    return state.rpartition(")")[2].split()[0] != "Z"
