"""The trail: is it sealed, verified, and what records say? And the doctor's own chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from django.utils import timezone

from audit import chain
from audit.models import Entry, Seal, SealedHead, Unsealed, Verification
from audit.verify.run import run
from workflow.doctor.finding import Finding, Severity, Some
from workflow.models import Record
from workflow.queries.drift import Drift, drifting

CHAIN: UUID = uuid5(NAMESPACE_URL, "escapement:doctor")
"""The chain that tells of repairs which concern no single record."""

_SEALED_WITHIN = timedelta(days=1)
_VERIFIED_WITHIN = timedelta(days=8)
_TOGETHER = 500

Say = Callable[[str], None]


def enter(*, by: str, now: datetime, action: str, evidence: Mapping[str, Any]) -> None:
    """Enter a repair on the doctor's own chain."""
    with transaction.atomic():
        chain.append([chain.Note(chain=CHAIN, at=now, action=action, actor=by, evidence=evidence)])


def look(*, now: datetime) -> Iterator[Finding]:
    """Yield what speaks against relying on the trail; six statements."""
    yield from _sealed(now)
    yield from _verified(now)


def _sealed(now: datetime) -> Iterator[Finding]:
    oldest = Unsealed.objects.order_by("pk").first()
    if oldest is None:
        return
    since = _unsealed_since(oldest.chain)
    if since is None or now - since <= _SEALED_WITHIN:
        return
    sealed = Seal.objects.order_by("-number").values_list("sealed_at", flat=True).first()
    last = "Nothing was ever sealed" if sealed is None else f"Last sealed {sealed:%Y-%m-%d %H:%M}"
    yield Finding(
        code="not_sealed",
        severity=Severity.WARNING,
        what=f"{last}; entries wait for a seal since {since:%Y-%m-%d %H:%M}. Until then the"
        " removal of the last entries of a chain shows nowhere.",
        repair="Have `manage.py audit_seal --every 300` run under the service manager, on the one"
        " host that has the key.",
    )


def _unsealed_since(of: UUID) -> datetime | None:
    """Return when the first entry of a chain was written that no seal has seen."""
    head = SealedHead.objects.filter(chain=of).order_by("-seal").values_list("sequence", flat=True)
    return (
        Entry.objects.filter(chain=of, sequence__gt=head.first() or 0)
        .order_by("sequence")
        .values_list("at", flat=True)
        .first()
    )


def _verified(now: datetime) -> Iterator[Finding]:
    last = Verification.objects.filter(finished_at__isnull=False).order_by("-finished_at").first()
    if last is not None and last.problems:
        yield Finding(
            code="trail_broken",
            what=f"The verification of {last.finished_at:%Y-%m-%d %H:%M} found"
            f" {last.problems:,} problems.",
            repair="Read them on the page of the trail (`manage.py audit_verify` names the first"
            " bad entry of each chain), keep a copy of the database, and compare with the"
            " anchors.",
            examples=tuple(str(each) for each in last.found.all()[:5]),
        )
    if last is None and Entry.objects.exists():
        yield Finding(
            code="not_verified",
            severity=Severity.WARNING,
            what="The trail has never been verified.",
            repair="Run `manage.py audit_verify`, and have a timer run it each week.",
        )
    elif (
        last is not None
        and last.finished_at is not None
        and now - last.finished_at > _VERIFIED_WITHIN
    ):
        yield Finding(
            code="not_verified",
            severity=Severity.WARNING,
            what=f"The trail was verified last on {last.finished_at:%Y-%m-%d}.",
            repair="Run `manage.py audit_verify`, and have a timer run it each week.",
        )


def verify(*, say: Say) -> Iterator[Finding]:
    """Read the whole trail back, and yield what is not as it was written."""
    report = None
    for _, report in run(clock=timezone.now, resume=False):
        say(f"{report.entries:,} entries verified")
    if report is not None and report.problems:
        yield Finding(
            code="trail_broken",
            what=f"The trail is not as it was written, in {report.problems:,} places.",
            repair="Keep a copy of the database, and compare with the anchors.",
            examples=tuple(str(fault) for fault in report.faults[:5]),
        )


def look_for_drift(*, records: list[UUID] | None) -> Iterator[Finding]:
    """Yield records that stand where no entry put them.

    Args:
        records: Which to look at; None: all of them.
    """
    drift = Some.among(str(each) for each in _drifting(records))
    if drift:
        yield Finding(
            code="drift",
            what=f"{drift.number} records stand where the trail did not put them.",
            repair="Somebody changed them past the guards, or entries are gone. Look at each"
            " record's page, compare with a bundle or a backup; nothing corrects a record but a"
            " transition of its own.",
            examples=drift.first,
        )


def _drifting(records: list[UUID] | None) -> Iterator[Drift]:
    if records is None:
        yield from drifting()
        return
    for start in range(0, len(records), _TOGETHER):
        yield from drifting(
            records=Record.objects.filter(pk__in=records[start : start + _TOGETHER])
        )
