"""The list of clusters, for people to look at."""

from __future__ import annotations

from datetime import datetime, timedelta

from workflow.models import Cluster

_FORGET_AFTER = timedelta(days=7)


def sign(*, cluster: str, workers: int, restarts: int, stopped: bool, now: datetime) -> None:
    """Show that a cluster lives, or has stopped; forget those of last week."""
    changed = Cluster.objects.filter(pk=cluster).update(
        seen_at=now,
        workers=workers,
        restarts=restarts,
        stopped_at=now if stopped else None,
    )
    if not changed:
        Cluster.objects.create(
            pk=cluster, started_at=now, seen_at=now, workers=workers, restarts=restarts
        )
        Cluster.objects.filter(seen_at__lt=now - _FORGET_AFTER).delete()
