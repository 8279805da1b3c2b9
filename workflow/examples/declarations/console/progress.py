"""Progress on standard error: a line rewritten on a terminal, repeated now and then elsewhere."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TextIO

_EVERY_ON_TERMINAL = 0.2
_EVERY_ELSEWHERE = 5.0


class Progress:
    """How far a long act has come: rate, done of total, time left."""

    def __init__(self, *, stream: TextIO, what: str, total: int) -> None:
        self._stream = stream
        self._what = what
        self._total = total
        self._is_terminal = stream.isatty()
        self._began = time.monotonic()
        self._shown = self._began
        self._width = 0
        self._first: int | None = None

    def show(self, done: int, note: str = "") -> None:
        """Show how much is done, if it is time to show it again."""
        if self._first is None:
            self._first = done
        now = time.monotonic()
        every = _EVERY_ON_TERMINAL if self._is_terminal else _EVERY_ELSEWHERE
        if now - self._shown >= every:
            self._shown = now
            self._write(self._line(done, now - self._began, note))

    def finish(self, done: int) -> None:
        """Show the end, with the time it took."""
        seconds = time.monotonic() - self._began
        self._write(f"{self._what}: {done:,} of {self._total:,} in {seconds:.1f} s", is_last=True)

    def say(self, line: str) -> None:
        """Write a line of its own beside the progress."""
        self._write(line, is_last=True)

    def _line(self, done: int, seconds: float, note: str) -> str:
        rate = (done - (self._first or 0)) / seconds if seconds > 0 else 0.0
        left = timedelta(seconds=round((self._total - done) / rate)) if rate > 0 else "?"
        line = f"{self._what}: {done:,} of {self._total:,}, {rate:,.0f}/s, {left} left"
        return f"{line}, {note}" if note else line

    def _write(self, line: str, *, is_last: bool = False) -> None:
        if self._is_terminal:
            self._stream.write(f"\r{line.ljust(self._width)}{chr(10) if is_last else ''}")
            self._width = 0 if is_last else len(line)
        else:
            self._stream.write(f"{line}\n")
        self._stream.flush()
