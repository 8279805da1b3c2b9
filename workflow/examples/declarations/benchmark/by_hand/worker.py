"""A worker of the yardstick: `python -m workflow.examples.declarations.benchmark.by_hand.worker`.

It takes the sink's URL, or `none`, and works until it is told to stop by SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import django

_IDLE = 0.002
"""Seconds between two looks when nothing is due."""


def main(sink: str) -> None:
    """Work."""
    django.setup()
    from workflow.examples.declarations.benchmark.by_hand.connect import (  # noqa: PLC0415
        connect,
    )
    from workflow.examples.declarations.benchmark.by_hand.loop import Loop  # noqa: PLC0415

    stopping = False

    def stop(*_: Any) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    loop = Loop(connect(os.environ["DATABASE_URL"]), worker=f"hand/{os.getpid()}", sink=sink)
    while not stopping:
        if not loop.turn():
            time.sleep(_IDLE)


if __name__ == "__main__":
    main(sys.argv[1])
