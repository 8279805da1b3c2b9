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


_is_alarmed = False

_handler_of = getattr(signal, "_signal", signal).getsignal
"""`getsignal`, if possible without the name that Python gives a handler: a decision takes as long
as making that."""


@contextmanager
def alarmed() -> Iterator[None]:
    """Have blocks inside that are `bounded` end in time.

    Works by SIGALRM and so only in a process's main thread, where workers run; elsewhere, and on
    systems without that signal, nothing inside is bounded. It is set up once for many blocks: to
    do so for each takes longer than most handlers do.
    """
    global _is_alarmed  # noqa: PLW0603  (a process has one SIGALRM)
    if not _is_main() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _stop)
    _is_alarmed = True
    try:
        yield
    finally:
        _is_alarmed = False
        signal.signal(signal.SIGALRM, before)


class bounded:  # noqa: N801  (reads as what it does to the block)
    """Raise TooLong in the block once the limit has passed. Only where it is `alarmed`.

    Blocks must not nest.
    """

    def __init__(self, limit: timedelta) -> None:
        self._seconds = limit.total_seconds()
        self._is_timed = _is_alarmed and _is_main()

    def __enter__(self) -> None:
        """Begin."""
        if self._is_timed:
            if _handler_of(signal.SIGALRM) is not _stop:
                # The block before had a use of its own for it.
                signal.signal(signal.SIGALRM, _stop)
            signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(self, *_: object) -> None:
        """End. An alarm that goes off at this very moment still raises here."""
        if self._is_timed:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _stop(_number: int, _frame: FrameType | None) -> Never:
    raise TooLong
