"""Crash tests for one's own handlers: a worker is killed by SIGKILL where it hurts most.

    submit(request=..., now=clock.now())
    work_and_die(boundary=Boundary.CALL_ENDED, folder=tmp_path)
    finish()
    assert faults() == []

The worker is a process of its own on the test's database, so the test has to be transactional
(`django_db(transaction=True)`) and SQLite's test database a file.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.db import connection

from audit.verify import verify_all
from workflow.engine.boundary import Boundary
from workflow.models import EFFECT_STUCK, FINAL, EffectEntry, State, TransitionEnvelope
from workflow.testing.drain import drain

_WITHIN = 120.0


class NotReached(AssertionError):
    """The worker finished without passing the boundary at which it was to die."""


def work_and_die(*, boundary: Boundary, folder: Path) -> None:
    """Have a worker take up what is due, and kill it at a boundary.

    Args:
        folder: An empty one, to tell the worker where to die.

    Raises:
        NotReached: It came to its end alive.
    """
    (folder / boundary).write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "workflow.testing.worker"],
        env={
            **os.environ,
            "DATABASE_URL": _url(),
            "ESCAPEMENT_DIE_IN": str(folder),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
        capture_output=True,
        text=True,
        timeout=_WITHIN,
        check=False,
    )
    if done.returncode != -signal.SIGKILL:
        raise NotReached(f"{boundary}: it ended with {done.returncode}.\n{done.stderr[-2000:]}")


def finish(*, hours: int = 6) -> None:
    """Do what is left, with the clock put forward past leases, retries and settling times."""
    for hour in range(1, hours + 1):
        drain(ahead=timedelta(hours=hour), worker="finish/1")


def faults() -> list[str]:
    """Return what must never be true after everything is done; empty as it should be."""
    found = [
        f"{envelope} is still {envelope.state}"
        for envelope in TransitionEnvelope.objects.exclude(state__in=[*FINAL, State.SCHEDULED])
    ]
    found += [
        f"{effect} is still {effect.state}"
        for effect in EffectEntry.objects.filter(finished_at__isnull=True).exclude(
            state__in=EFFECT_STUCK
        )
    ]
    found += [f"trail: {fault}" for fault in verify_all().faults]
    return found


def _url() -> str:
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
