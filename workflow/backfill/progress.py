"""Progress on standard error: a line rewritten on a terminal, repeated now and then elsewhere."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TextIO

_EVERY_ON_TERMINAL = 0.2
_EVERY_ELSEWHERE = 5.0


class Progress:
    """How far a run has come: done of total, rate, time left."""

    def __init__(self, *, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._shown = time.monotonic()
        self._width = 0
        self._first: tuple[float, int] | None = None

    def reading(self, rows: int) -> None:
        """Show how many rows are read."""
        self._show(f"read {rows:,} rows")

    def adopting(self, done: int, total: int, word: str) -> None:
        """Show how many events have their outcome."""
        now = time.monotonic()
        since, before = self._first = self._first or (now, done)
        rate = (done - before) / (now - since) if now > since else 0.0
        left = timedelta(seconds=round((total - done) / rate)) if rate > 0 else "?"
        line = f"adopted {done:,} of {total:,}, {rate:,.0f}/s, {left} left"
        self._show(f"{line}, {word}" if word else line)

    def end(self) -> None:
        """Leave the line."""
        if self._is_terminal and self._width:
            self._stream.write("\n")
            self._stream.flush()

    def _show(self, line: str) -> None:
        now = time.monotonic()
        if now - self._shown < (_EVERY_ON_TERMINAL if self._is_terminal else _EVERY_ELSEWHERE):
            return
        self._shown = now
        if self._is_terminal:
            self._stream.write(f"\r{line.ljust(self._width)}")
            self._width = max(self._width, len(line))
        else:
            self._stream.write(f"{line}\n")
        self._stream.flush()
