"""The cluster's main process, as started by a supervisor: `python -m workflow.worker.serve`."""

from __future__ import annotations

import os
import signal
import threading
import time

import django

from workflow.engine.limits import limits


def main() -> None:
    """Serve until the supervisor says stop, or is gone."""
    django.setup()
    from workflow.worker.broker import serve  # noqa: PLC0415  (needs loaded apps)

    threading.Thread(target=_leash, daemon=True).start()
    serve()


def _leash() -> None:
    """Drain when standard input ends: the supervisor holds its other end for as long as it lives.

    Nobody watches over the draining then, and a cluster whose queue is stuck would never end. So
    what is left when its time is up is killed; its claims are due when their lease ends.

    Reads the bare descriptor: a lock on `sys.stdin`, held while django-q2 forks, would hang the
    children.
    """
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(limits().drain.total_seconds())
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
