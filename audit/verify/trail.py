"""Verifying the whole trail, or one chain of it, while others write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from audit.keys import pinned, trusted
from audit.verify.beside import Pending
from audit.verify.fault import Fault, Kind
from audit.verify.reading import Groups, Row, entries, entries_of, heads, heads_of
from audit.verify.seals import check_seals, check_some
from audit.verify.walk import Floors, Walked, walk
from audit.verify.witness import Standing, Witness, heard

KEPT = 1_000
"""Faults that a report keeps; the rest are counted."""

_LOOKS = 5
"""At a chain that seems faulty, before it is said to be: it may have grown between two reads."""


@dataclass(kw_only=True)
class Report:
    """What a verification has seen so far."""

    chains: int = 0
    entries: int = 0
    seals: int = 0
    unsealed: int = 0
    """Entries that no seal covers yet: sound, but not proved."""

    position: UUID | None = None
    """The last chain that is done; a verification can go on after it."""

    problems: int = 0
    faults: list[Fault] = field(default_factory=list)
    is_pinned: bool = False
    """Whether the keys to trust came from outside the database."""

    @property
    def is_sound(self) -> bool:
        """Whether everything is as it was written."""
        return not self.problems

    def add(self, fault: Fault) -> None:
        """Count a fault, and keep it if it is among the first."""
        self.problems += 1
        if len(self.faults) < KEPT:
            self.faults.append(fault)

    def add_all(self, faults: Iterable[Fault]) -> None:
        """Add each."""
        for fault in faults:
            self.add(fault)


def verify(*, report: Report | None = None) -> Iterator[Report]:
    """Yield the report as it grows, after each seal and chain, and last when it is complete.

    It finds edited, missing, reordered and inserted entries, chains cut off behind a seal, broken
    seals, and subjects that stand where no entry put them. Flat memory; no locks; one statement
    for every 5,000 entries.

    Args:
        report: An unfinished one, to go on after its last chain. The seals are checked again.
    """
    report = report or Report()
    report.is_pinned = bool(pinned())
    report.seals = 0
    for checked in check_seals(trusted=trusted()):
        if checked is None:
            report.seals += 1
        elif checked not in report.faults:
            report.add(checked)
        yield report
    yield from _chains(report)
    yield report


def verify_all(*, chain: UUID | None = None) -> Report:
    """Return the complete report; of one chain if it is named."""
    if chain is not None:
        return check_chain(chain)
    *_, report = verify()
    return report


def check_chain(chain: UUID) -> Report:
    """Verify one chain and the seals that cover it."""
    report = Report(is_pinned=bool(pinned()))
    numbers = sorted({head[1] for head in heads_of(chain)})
    report.add_all(check_some(numbers=numbers, trusted=trusted()))
    report.seals = len(numbers)
    witness = heard()
    pending = Pending(witness)
    seen, fault = _look_again(chain, Floors(), witness)
    _count(report, seen, chain)
    pending.add(chain, seen)
    report.add_all([fault] if fault else [])
    report.add_all(pending.settle())
    return report


def _chains(report: Report) -> Iterator[Report]:
    witness = heard()
    floors = Floors()
    pending = Pending(witness)
    for chain, rows, ends, standing in _merged(report.position, witness):
        seen = walk(chain=chain, heads=ends, rows=rows, floors=floors, moves=witness.moves)
        fault = seen.fault or _unexplained(chain, seen, standing, witness)
        if fault is not None:
            _, fault = _look_again(chain, floors, witness)
        if fault is not None:
            report.add(fault)
        _count(report, seen, chain)
        pending.add(chain, seen)
        if pending.is_full:
            report.add_all(pending.settle())
        if not pending:
            yield report
    report.add_all(pending.settle())


def _merged(
    after: UUID | None, witness: Witness
) -> Iterator[tuple[UUID, Iterator[Row], list[Row], Standing | None]]:
    """Yield each chain with its entries, its sealed heads and its subject's standing.

    The entries must be used up before the next chain is asked for.
    """
    rows = Groups(entries(after=after))
    ends = Groups(heads(after=after))
    standings = Groups((each.chain, each) for each in witness.standings(after=after))
    while True:
        waiting = [each.chain for each in (rows, ends, standings) if each.chain is not None]
        if not waiting:
            return
        chain = min(waiting)
        standing = [each for _, each in standings.take(chain)]
        yield chain, rows.take(chain), list(ends.take(chain)), standing[0] if standing else None


def _count(report: Report, seen: Walked, chain: UUID) -> None:
    report.chains += bool(seen.entries)
    report.entries += seen.entries
    report.unsealed += max(seen.last - seen.sealed, 0)
    report.position = chain


def _look_again(chain: UUID, floors: Floors, witness: Witness) -> tuple[Walked, Fault | None]:
    """Look at one chain by itself, in an order in which concurrent growth looks like no fault.

    Seals first: what they cover is then there. And where the subject stands, before and after.
    """
    standing = witness.standing(chain=chain)
    for _ in range(_LOOKS):
        ends = heads_of(chain)
        seen = walk(
            chain=chain, heads=ends, rows=entries_of(chain), floors=floors, moves=witness.moves
        )
        now = witness.standing(chain=chain)
        fault = seen.fault or _unexplained(chain, seen, now, witness)
        if fault is None or seen.fault is not None or standing == now:
            return seen, fault
        standing = now
    return seen, fault


def _unexplained(
    chain: UUID, seen: Walked, standing: Standing | None, witness: Witness
) -> Fault | None:
    """Return the fault of a subject that stands where its entries did not bring it."""
    if standing is None:
        if seen.action not in witness.begins:
            return None
        message = "the trail tells of a subject that is gone"
    elif not seen.entries:
        message = f"it stands in {standing.value!r}, and no entry tells how it came there"
    elif standing.value != seen.value:
        message = (
            f"it stands in {standing.value!r}, but entry {seen.moved_at} left it in {seen.value!r}"
        )
    elif standing.cause != seen.cause:
        message = (
            f"it was moved last by transition {standing.cause}, but the last in the trail"
            f" (entry {seen.moved_at}) is {seen.cause}"
        )
    else:
        return None
    return Fault(
        kind=Kind.UNEXPLAINED,
        chain=chain,
        sequence=seen.moved_at or None,
        until=seen.moved_at or None,
        message=message,
    )
