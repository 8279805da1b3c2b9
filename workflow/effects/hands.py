"""Threads that make calls: few while calls are quick, as many as there are calls otherwise.

Threads that come back at the same moment wait for each other, and for the worker, at Python's one
interpreter; a few of them make as many quick calls as hundreds do, with less to do for each. How
quick a downstream is shows at once: what is put down has to be taken up.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue

import structlog

log = structlog.get_logger(__name__)

Job = Callable[[], None]

_FEW = 4
"""Threads that are always there for the next call."""

_LOOK_EVERY = 0.005
"""Seconds between two looks while calls wait. Where those at work did not begin one each
meanwhile, as many again join them."""

_PATIENCE = 0.05
"""Seconds after which they do so however quick the calls are."""


class Hands:
    """Daemon threads, no more than there ever were calls at once. Used by one thread.

    A call that finds nobody free waits until others join those at work, as many again with each
    look: some hundredths of a second, also if all the others never come back. Not an executor of
    the standard library: that one waits at exit for threads that hang, and a worker must be able
    to leave one behind.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._put = 0
        self._ended: deque[None] = deque()
        self._calls_wait = threading.Event()
        self._is_overseen = False
        self._hired = 0
        self._help = SimpleQueue[None]()
        self._went: deque[None] = deque()
        self._is_short = False

    def do(self, job: Job) -> None:
        """Have a job run in one of the threads. It may not raise.

        Raises:
            RuntimeError: The system has no thread for it; it will not run.
        """
        if self._hired < _FEW:
            _hire(self._work)
            self._hired += 1
        elif not self._is_overseen:
            _hire(self._oversee)
            self._is_overseen = True
        self._put += 1
        self._jobs.put(job)
        if not self._calls_wait.is_set():
            self._calls_wait.set()

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            self._ended.append(None)

    def _help_out(self) -> None:
        while True:
            self._help.get()
            try:
                while True:
                    self._jobs.get_nowait()()
                    self._ended.append(None)
            except Empty:
                self._went.append(None)

    def _oversee(self) -> None:
        ended = helping = hired = 0
        while True:
            self._calls_wait.wait()
            self._calls_wait.clear()
            ended += _emptied(self._ended)
            put, since = self._put, time.monotonic()
            while waiting := self._jobs.qsize():
                before = self._put - waiting
                time.sleep(_LOOK_EVERY)
                ended += _emptied(self._ended)
                helping -= _emptied(self._went)
                waiting = self._jobs.qsize()
                begun = self._put - waiting
                busy = begun - ended
                if begun >= put:
                    put, since = self._put, time.monotonic()
                if begun - before >= busy and time.monotonic() - since < _PATIENCE:
                    continue
                # Who is called and has not begun yet is among those that help, and not busy.
                wanted = min(2 * busy, busy + waiting) - _FEW
                hired += self._hire_helpers(wanted - hired)
                for _ in range(min(wanted, hired) - helping):
                    helping += 1
                    self._help.put(None)

    def _hire_helpers(self, count: int) -> int:
        """Return how many could be hired. The next look tries again."""
        for number in range(count):
            try:
                _hire(self._help_out)
            except RuntimeError as error:
                if not self._is_short:
                    log.warning("calls.short_of_threads", error=str(error))
                self._is_short = True
                return number
            self._is_short = False
        return max(0, count)


def _hire(what: Job) -> None:
    threading.Thread(target=what, name="effect", daemon=True).start()


def _emptied(marks: deque[None]) -> int:
    """Take out what there is, and return how many."""
    count = 0
    while marks:
        marks.pop()
        count += 1
    return count
