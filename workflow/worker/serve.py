"""The cluster's main process, as started by a supervisor: `python -m workflow.worker.serve`."""

from __future__ import annotations

import os
import signal
import threading

import django


def main() -> None:
    """Serve until the supervisor says stop, or is gone."""
    django.setup()
    from workflow.worker.broker import serve  # noqa: PLC0415  (needs loaded apps)

    threading.Thread(target=_leash, daemon=True).start()
    serve()


def _leash() -> None:
    """Drain when standard input ends: the supervisor holds its other end for as long as it lives.

    Reads the bare descriptor: a lock on `sys.stdin`, held while django-q2 forks, would hang the
    children.
    """
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
