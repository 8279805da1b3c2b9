"""Ctrl-C and SIGTERM as one exception, which does not come at a bad moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While it is entered, either signal raises KeyboardInterrupt in the main thread."""

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self._is_held = False
        self._has_come = False
        self._is_deaf = False

    def __enter__(self) -> Self:
        """Take the signals over; outside the main thread, where they never arrive, do nothing."""
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._arrive) for each in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        for each, handler in self._before.items():
            signal.signal(each, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the block finish first: a child that was just started must not be forgotten."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._has_come and not self._is_deaf:
            self._has_come = False
            raise KeyboardInterrupt

    def ignore(self) -> None:
        """Take no notice any more: stopping has begun, and ends by itself in bounded time."""
        self._is_deaf = True

    def _arrive(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_held or self._is_deaf:
            self._has_come = True
        else:
            raise KeyboardInterrupt
