"""How fast: no faster than was asked, and slower while people are waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from django.db import connection

from workflow.effects.claim import is_due

_LONGEST = 0.25
"""Seconds of one pause for live work."""

_LOOK_EVERY = 0.2
"""Seconds between two looks for live work."""

_CALM = 1.0
"""Seconds without a sign of live work, after which there is none."""

_SMALL = 10
"""Records in a batch while there is live work: it then holds locks for a few milliseconds."""


_HELD = 5
_HELD_LIVE = 2
"""Records that are here already in one transaction: a live transition waits for no more."""

_YIELDS = 3.0
"""Pause after a transaction while there is live work, by the time it took. Who finds SQLite locked
sleeps ever longer before the next look: with pauses no longer than the transactions, every second
look met a lock, and the 95th percentile of a request's time rose to four times."""


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
        self._version: int | None = None
        self._look_at = 0.0
        self.batch = batch
        """Records that the next batch should have."""

    @property
    def together(self) -> int:
        """Records that are here already, for the next transaction to hold."""
        return _HELD_LIVE if time.monotonic() < self._calm_since else _HELD

    def begin(self) -> None:
        """Start counting time for a batch or a transaction."""
        self._started = time.monotonic()

    def gap(self) -> None:
        """Leave a gap between two transactions of a batch, for those who wait for the same lock.

        Who waits for SQLite's only lock looks again at intervals, and meets a gap only if there
        are some: without, a request waited for seconds beside an adoption that never paused.
        """
        if self._is_live():
            time.sleep(min(_YIELDS * (time.monotonic() - self._started), _LONGEST))
        self.begin()

    def rest(self, *, events: int) -> None:
        """Pause after a batch of so many events.

        Live work goes first: while some is due, a batch is small, and a pause is longer than what
        went before it, so that most of the time is left to others.
        """
        is_live = self._is_live()
        self.batch = min(_SMALL, self._most) if is_live else self._most
        now = time.monotonic()
        pause = min(_YIELDS * (now - self._started), _LONGEST) if is_live else 0.0
        if self._rate:
            self._events += events
            pause = max(pause, self._began + self._events / self._rate - now)
        if pause > 0:
            time.sleep(pause)

    def _is_live(self) -> bool:
        now = time.monotonic()
        if self._others_wrote():
            self._calm_since = now + _CALM
        elif now >= self._look_at:
            self._look_at = now + _LOOK_EVERY
            if is_due(now=self._clock()):
                self._calm_since = now + _CALM
        return now < self._calm_since

    def _others_wrote(self) -> bool:
        """Return whether another connection committed; known of SQLite, which counts it."""
        if connection.vendor != "sqlite":
            return False
        with connection.cursor() as cursor:
            version: int = cursor.execute("PRAGMA data_version").fetchone()[0]
        before, self._version = self._version, version
        return before is not None and version != before

    def forget(self) -> None:
        """Start anew after a pause of another kind: what was missed is not made up for."""
        self._began = time.monotonic()
        self._events = 0
