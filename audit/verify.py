"""Reading chains back, and naming the first entry that is not what was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from audit.canonical import digest
from audit.chain import Head
from audit.models import Entry

_AT_ONCE = 2000


@dataclass(frozen=True, kw_only=True)
class Break:
    """The first bad place of a chain; what follows it proves nothing any more."""

    chain: UUID
    sequence: int
    """The place at which the chain breaks."""

    problem: str


@dataclass(kw_only=True)
class Report:
    """What a verification saw."""

    chains: int = 0
    entries: int = 0
    breaks: tuple[Break, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether every entry is as it was written, in its place."""
        return not self.breaks


def verify(*, chain: UUID | None = None) -> Iterator[Report]:
    """Yield the report as it grows, every few thousand entries, and last when it is complete.

    It finds an edited, inserted, removed or reordered entry. A chain whose last entries were
    removed is shorter and sound: that takes a seal, kept elsewhere, to see.

    Args:
        chain: Verify this one only.
    """
    entries = Entry.objects.order_by("chain", "sequence")
    if chain is not None:
        entries = entries.filter(chain=chain)
    report = Report()
    current: UUID | None = None
    head: Head | None = Head()
    for entry in entries.iterator(chunk_size=_AT_ONCE):
        if entry.chain != current:
            current, head = entry.chain, Head()
            report.chains += 1
        report.entries += 1
        if head is not None:
            problem = _problem(entry, head)
            head = None if problem else Head(entry.sequence, entry.digest)
            if problem:
                found = Break(chain=entry.chain, sequence=entry.sequence, problem=problem)
                report.breaks += (found,)
        if report.entries % _AT_ONCE == 0:
            yield report
    yield report


def verify_all(*, chain: UUID | None = None) -> Report:
    """Return the complete report."""
    *_, report = verify(chain=chain)
    return report


def _problem(entry: Entry, head: Head) -> str:
    """Return what is wrong with an entry after the given head; empty when nothing is."""
    if entry.sequence != head.sequence + 1:
        return f"entry {head.sequence + 1} is missing before entry {entry.sequence}"
    if entry.previous != head.digest:
        return f"entry {entry.sequence} does not follow on the one before it"
    if entry.digest != digest(entry):
        return f"entry {entry.sequence} was altered: its content does not give its digest"
    return ""
