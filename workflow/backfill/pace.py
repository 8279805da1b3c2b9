"""How fast: no faster than was asked, and slower while people are waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from workflow.effects.claim import is_due

_LONGEST = 0.25
"""Seconds of one pause for live work."""

_LOOK_EVERY = 0.2
"""Seconds between two looks for live work."""

_SMALL = 10
"""Records in a batch while there is live work: it then holds locks for a few milliseconds."""


class Pace:
    """Paces one process."""

    def __init__(self, *, rate: float | None, batch: int, clock: Callable[[], datetime]) -> None:
        """Take the most events a second, if there is a limit, and the most records a batch."""
        self._rate = rate
        self._most = batch
        self._clock = clock
        self._began = time.monotonic()
        self._events = 0
        self._calm_since = 0.0
        self._look_at = 0.0
        self.batch = batch
        """Records that the next batch should have."""

    def begin(self) -> None:
        """Start counting time for a batch."""
        self._started = time.monotonic()

    def rest(self, *, events: int) -> None:
        """Pause after a batch of so many events.

        Live work goes first: while some is due, a batch is small, and the pause is as long as it
        took, so that half of the time at least is left to others.
        """
        now = time.monotonic()
        pause = 0.0
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY
            if is_due(now=self._clock()):
                self._calm_since = now + 1.0
        is_live = now < self._calm_since
        self.batch = min(_SMALL, self._most) if is_live else self._most
        if is_live:
            pause = min(now - self._started, _LONGEST)
        if self._rate:
            self._events += events
            pause = max(pause, self._began + self._events / self._rate - now)
        if pause > 0:
            time.sleep(pause)

    def forget(self) -> None:
        """Start anew after a pause of another kind: what was missed is not made up for."""
        self._began = time.monotonic()
        self._events = 0
