"""What a scheduled task does: it starts a backfill in a process of its own and does not wait.

A backfill of years takes longer than a task may, would occupy a worker meanwhile, and would be
cut off whenever the cluster restarts. As a process of its own it is none of the cluster's
business. If the one before is still at it, the new one finds that and ends; if it was killed, the
new one goes on where it stopped.
"""

from __future__ import annotations

import os
import subprocess
import sys

import structlog

from workflow.backfill.registered import find
from workflow.worker import pulse
from workflow.worker.loop import CLUSTER

log = structlog.get_logger(__name__)

TASK = "workflow.worker.scheduled.backfill"

_started: list[subprocess.Popen[bytes]] = []


def backfill(*, source: str, mapping: str) -> None:
    """Start a backfill of a source under a registered mapping.

    Raises:
        UnknownMapping: There is no such mapping in this release.
    """
    find(mapping)
    _started[:] = [each for each in _started if each.poll() is None]
    environment = {
        name: value for name, value in os.environ.items() if name not in (pulse.VARIABLE, CLUSTER)
    }
    options = ["--mapping", mapping, "--resume"]
    # The source comes last and behind `--`: whatever it is called, it is no option.
    process = subprocess.Popen(  # noqa: S603  (no shell, and the mapping is a registered one)
        [sys.executable, "-m", "django", "backfill", *options, "--", source],
        stdin=subprocess.DEVNULL,
        env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
    )
    _started.append(process)
    log.info("backfill.started", source=source, mapping=mapping, process=process.pid)
