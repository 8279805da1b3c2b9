"""A cluster ends with its supervisor, whichever of its own processes are left by then.

The supervisor holds the writing end of a pipe for as long as it lives; when the pipe ends, it is
gone. The main process then lets the cluster finish what it has begun. Should the main process have
been killed as well, nobody would tell the others: so workers and the pusher watch the same pipe,
and put an end to all of it once the time for finishing is over.

Reads the bare descriptor: a lock on `sys.stdin`, held while django-q2 forks, would hang the
children.
"""

from __future__ import annotations

import os
import signal
import threading
import time

from workflow.engine.limits import limits

_LATER = 2.0
"""Seconds that the others leave the main process to do it itself."""

_pipe: int | None = None
_watching = 0
"""The process in which a thread watches; a fork inherits the number, and not the thread."""


def lead() -> None:
    """Watch the pipe, in the main process, before it forks: it is what standard input reads."""
    global _pipe  # noqa: PLW0603  (one of a process; children inherit it)
    # Of its own, since multiprocessing closes standard input in children.
    _pipe = os.dup(0)
    threading.Thread(target=_drain, daemon=True).start()


def follow() -> None:
    """Watch the pipe in a process of the cluster. Does nothing without one, or a second time."""
    global _watching  # noqa: PLW0603
    if _pipe is not None and _watching != os.getpid():
        _watching = os.getpid()
        threading.Thread(target=_outlast, args=(_pipe,), daemon=True).start()


def _drain() -> None:
    """Drain when the supervisor is gone.

    Nobody watches over the draining then, and a cluster whose queue is stuck would never end. So
    what is left when its time is up is killed; its claims are due when their lease ends.
    """
    _await_end(0)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(limits().drain.total_seconds())
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _outlast(pipe: int) -> None:
    _await_end(pipe)
    time.sleep(limits().drain.total_seconds() + _LATER)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _await_end(pipe: int) -> None:
    while os.read(pipe, 1):
        pass
