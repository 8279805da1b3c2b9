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

Job = Callable[[], None]

_FEW = 4
"""Threads that are always there for the next call."""

_LOOK_EVERY = 0.005
"""Seconds between two looks whether calls wait for others. Those at work that did not begin one
each meanwhile are joined by as many again."""


class Hands:
    """Daemon threads, no more than there ever were calls at once. Used by one thread.

    A call waits for a free one for a few hundredths of a second at most, also if all others never
    come back. Not an executor of the standard library: that one waits at exit for threads that
    hang, and a worker must be able to leave one behind.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._put = 0
        self._hired = 0
        self._calls_wait = threading.Event()
        self._help = SimpleQueue[None]()
        self._went: deque[None] = deque()

    def do(self, job: Job) -> None:
        """Have a job run in one of the threads. It may not raise."""
        self._put += 1
        self._jobs.put(job)
        if self._hired < _FEW:
            self._hired += 1
            self._hire(self._work)
            if self._hired == _FEW:
                self._hire(self._oversee)
        elif not self._calls_wait.is_set():
            self._calls_wait.set()

    def _hire(self, what: Job) -> None:
        threading.Thread(target=what, name="effect", daemon=True).start()

    def _work(self) -> None:
        while True:
            self._jobs.get()()

    def _help_out(self) -> None:
        while True:
            self._help.get()
            try:
                while True:
                    self._jobs.get_nowait()()
            except Empty:
                self._went.append(None)

    def _oversee(self) -> None:
        called = helpers = 0
        while True:
            self._calls_wait.wait()
            self._calls_wait.clear()
            while self._jobs.qsize():
                begun = self._put - self._jobs.qsize()
                time.sleep(_LOOK_EVERY)
                waiting = self._jobs.qsize()
                helping = called - len(self._went)
                if self._put - waiting - begun >= _FEW + helping:
                    continue
                more = min(waiting, _FEW + helping)
                for _ in range(helping + more - helpers):
                    self._hire(self._help_out)
                helpers = max(helpers, helping + more)
                called += more
                for _ in range(more):
                    self._help.put(None)
