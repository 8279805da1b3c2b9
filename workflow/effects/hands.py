"""Threads that make calls. One that does not come back is left behind, and another hired."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

Job = Callable[[], None]


class Hands:
    """Daemon threads, as many as there ever were calls at once. Used by one thread.

    Not an executor of the standard library: that one waits at exit for threads that hang, and a
    worker must be able to leave one behind.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._done: deque[None] = deque()
        self._busy = 0
        self._hired = 0

    def do(self, job: Job) -> None:
        """Run a job in a thread of its own, at once. It may not raise."""
        while self._done:
            self._done.pop()
            self._busy -= 1
        self._busy += 1
        if self._busy > self._hired:
            self._hired += 1
            threading.Thread(target=self._work, name="effect", daemon=True).start()
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            self._done.append(None)
