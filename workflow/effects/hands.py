"""Threads that make calls. One that does not come back is written off, and another hired."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Job = Callable[[], None]

_IDLE = 10.0
"""Seconds that a thread without work is kept."""


class Hands:
    """A few daemon threads, hired as they are needed, kept while they are.

    Not an executor of the standard library: that one waits at exit for threads that hang, and a
    worker must be able to leave one behind.
    """

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._change = threading.Condition()
        self._free = 0

    def do(self, job: Job) -> None:
        """Run a job in a thread of its own. It may not raise."""
        with self._change:
            self._jobs.append(job)
            if self._free >= len(self._jobs):
                self._change.notify()
                return
        threading.Thread(target=self._work, name="effect", daemon=True).start()

    def _has_jobs(self) -> bool:
        return bool(self._jobs)

    def _work(self) -> None:
        while True:
            with self._change:
                self._free += 1
                self._change.wait_for(self._has_jobs, timeout=_IDLE)
                self._free -= 1
                if not self._jobs:
                    return  # nobody needed it for a while
                job = self._jobs.popleft()
            job()
