"""Who works on a run: one process, which shows with every batch that it lives.

As with envelopes, a fence rises with every taking up, each batch commits only under the current
one, and a process that stood still past its lease finds that it may write nothing any more. A
process that is known to be dead, because it ran on this very host, is not waited for.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

from django.db.models import F

from workflow.definition import WorkflowError
from workflow.models import BackfillRun

LEASE = timedelta(seconds=60)
"""How long a run is somebody's without a sign; a batch takes a fraction of a second."""


class IsTaken(WorkflowError):
    """Another process works on the run, and it is not started twice."""

    code = "is_taken"

    def __init__(self, run: BackfillRun) -> None:
        self.run = run
        super().__init__(f"Run {run.pk} of {run} is being worked on by {run.process}.")


class IsLost(WorkflowError):
    """Somebody else took the run over, or gave it up; nothing more was written."""

    code = "is_lost"

    def __init__(self, run: BackfillRun) -> None:
        super().__init__(f"Run {run.pk} was taken over or abandoned meanwhile; this process ends.")


def take(*, run: BackfillRun, now: datetime) -> None:
    """Take up a run; its `fence` is then this process's.

    Raises:
        IsTaken: A live process has it.
    """
    mine = f"{socket.gethostname()}/{os.getpid()}"
    free = run.lease_ends_at is None or run.lease_ends_at <= now or _is_dead(run.process)
    taken = free and BackfillRun.objects.filter(
        pk=run.pk, fence=run.fence, state__in=BackfillRun.UNFINISHED
    ).update(fence=F("fence") + 1, process=mine, lease_ends_at=now + LEASE)
    if not taken:
        run.refresh_from_db()
        raise IsTaken(run)
    run.refresh_from_db()


def hold(*, run: BackfillRun, now: datetime, **changes: object) -> None:
    """Write progress and extend the lease; in the transaction of a batch, this is its fence.

    Raises:
        IsLost: It is somebody else's now; roll back.
    """
    held = BackfillRun.objects.filter(
        pk=run.pk, fence=run.fence, state__in=BackfillRun.UNFINISHED
    ).update(lease_ends_at=now + LEASE, **changes)
    if not held:
        raise IsLost(run)


def give_up(*, run: BackfillRun) -> None:
    """Let the next process take the run at once."""
    BackfillRun.objects.filter(pk=run.pk, fence=run.fence).update(lease_ends_at=None)


def _is_dead(process: str) -> bool:
    """Return whether the process ran on this host and is gone. A zombie counts as alive."""
    host, _, pid = process.rpartition("/")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
