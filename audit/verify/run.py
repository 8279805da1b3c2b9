"""A verification that is kept: how far it has come, so that it can go on, and what it found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from audit.models import Problem, Verification
from audit.verify.fault import Fault, Kind
from audit.verify.trail import Report, verify

_KEEP_EVERY = 2.0
"""Seconds between two notes of how far it has come."""


def run(*, clock: Callable[[], datetime], resume: bool) -> Iterator[tuple[Verification, Report]]:
    """Verify the whole trail and yield as it goes; last when it is complete and kept.

    Args:
        resume: Go on where the latest unfinished verification was interrupted, if there is one.
    """
    kept = Verification.objects.filter(finished_at=None).first() if resume else None
    report = Report() if kept is None else _recalled(kept)
    if kept is None:
        kept = Verification.objects.create(started_at=clock())
    stored = len(report.faults)
    noted = time.monotonic()
    for _ in verify(report=report):
        if time.monotonic() - noted > _KEEP_EVERY:
            stored = _keep(kept, report, stored)
            noted = time.monotonic()
        yield kept, report
    kept.finished_at = clock()
    _keep(kept, report, stored)
    yield kept, report


def _keep(kept: Verification, report: Report, stored: int) -> int:
    """Write what is new, problems first: an interruption between may repeat one, not lose it."""
    Problem.objects.bulk_create(
        [
            Problem(
                verification=kept,
                kind=fault.kind.value,
                chain=fault.chain,
                sequence=fault.sequence,
                until=fault.until,
                seal=fault.seal,
                message=fault.message,
            )
            for fault in report.faults[stored:]
        ],
        batch_size=500,
    )
    for name in ("position", "entries", "chains", "seals", "unsealed", "problems", "is_pinned"):
        setattr(kept, name, getattr(report, name))
    kept.save()
    return len(report.faults)


def _recalled(kept: Verification) -> Report:
    return Report(
        chains=kept.chains,
        entries=kept.entries,
        unsealed=kept.unsealed,
        position=kept.position,
        problems=kept.problems,
        faults=[
            Fault(
                kind=Kind(row.kind),
                message=row.message,
                chain=row.chain,
                sequence=row.sequence,
                until=row.until,
                seal=row.seal,
            )
            for row in kept.found.all()
        ],
    )
