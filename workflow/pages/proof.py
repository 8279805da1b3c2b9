"""The strip that says whether what is shown can be believed."""

from __future__ import annotations

from dataclasses import dataclass

from audit.chain import heads
from audit.verify import verify_all
from workflow.models import Record

_AT_ONCE = 500
"""A chain of at most so many entries is verified whenever its page is opened."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What is known of a record's chain."""

    entries: int
    digest: str
    """Of the last entry."""

    is_verified: bool | None
    """Whether it was read back now and is sound; None: too long to do so on every page."""

    problem: str = ""


def proof(*, record: Record) -> Proof:
    """Verify the record's chain if that is quick; two statements."""
    head = heads([record.pk]).get(record.pk)
    if head is None:
        return Proof(entries=0, digest="", is_verified=False, problem="The chain is empty.")
    if head.sequence > _AT_ONCE:
        return Proof(entries=head.sequence, digest=head.digest, is_verified=None)
    report = verify_all(chain=record.pk)
    problem = str(report.faults[0]) if report.faults else ""
    return Proof(
        entries=head.sequence, digest=head.digest, is_verified=report.is_sound, problem=problem
    )
