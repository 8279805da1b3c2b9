"""A host's clock that is stepped while its processes run.

One kernel has one wall clock, so that several hosts on one machine cannot have theirs stepped.
What the processes of a host see of it is replaced instead: `time.time`, the engine's wall clock,
and the times of the files by which workers show that they live.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

from workflow.engine import clock
from workflow.worker import pulse

_LOOK_EVERY = 0.2
"""Seconds between two looks at the file."""


class _Host:
    """How far off the clock is, as the file says."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._looked = 0.0
        self._off = 0.0

    def off(self) -> float:
        """Return the seconds."""
        if time.monotonic() - self._looked > _LOOK_EVERY:
            self._looked = time.monotonic()
            self._off = float(self._file.read_text() or 0)
        return self._off


def follow(file: Path) -> None:
    """Have this process and its children go by a clock that is off by what the file says."""
    host = _Host(file)
    true_time, beat = time.time, pulse.beat

    def wrong_time() -> float:
        return true_time() + host.off()

    class WrongTime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(seconds=host.off())

    def wrong_beat(**how: Any) -> None:
        beat(**how)
        folder = os.environ.get(pulse.VARIABLE)
        if folder:
            os.utime(Path(folder, str(os.getpid())), (wrong_time(), wrong_time()))

    time.time = wrong_time
    vars(clock)["datetime"] = WrongTime
    vars(pulse)["beat"] = wrong_beat
