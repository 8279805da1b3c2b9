"""An end to what takes too long."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Never


class TooLong(BaseException):
    """The attempt's time was up. No `except Exception` of a handler can swallow it."""


@contextmanager
def bounded(limit: timedelta) -> Iterator[None]:
    """Raise TooLong in the block once the limit has passed.

    Works by SIGALRM and so only in a process's main thread, where workers run; elsewhere, and on
    systems without that signal, the block is not bounded. Blocks must not nest.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(
        signal, "setitimer"
    ):
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> Never:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit.total_seconds())
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
