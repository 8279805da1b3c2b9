"""Following one chain from its first entry to its last."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from uuid import UUID

from audit.canonical import digest_of
from audit.chain import GENESIS
from audit.models import Seal
from audit.personal import ACTION as REDACTED
from audit.personal import MARK, TOKEN
from audit.verify.diagnosis import diagnose, rewritten
from audit.verify.fault import Fault, Kind
from audit.verify.reading import Row
from audit.verify.witness import Snapshot

GRACE = timedelta(hours=1)
"""How much later than its time an entry may be committed. What is older by more than this than a
seal that took in everything, and is not in it, was written afterwards or kept from the sealer."""

_ERASED = re.compile("[0-9a-f]{64}")
_SNAPSHOT = re.compile(r'"snapshot":"([0-9a-f]{64})"')
_VERSION = '"version":'
"""In the evidence of an entry whose transition raised its subject's version."""

_LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)


class Floors:
    """Times of the seals that left nothing unsealed: what comes after one must not be older.

    Sixteen bytes a seal. Those made after this was read are not known to it, which makes it
    lenient to what they cover, and to nothing else.
    """

    def __init__(self) -> None:
        self._numbers = array("L")
        self._times = array("d")
        seals = Seal.objects.filter(complete=True).order_by("number")
        for number, sealed_at in seals.values_list("number", "sealed_at").iterator():
            self._numbers.append(number)
            self._times.append(sealed_at.timestamp())

    def before(self, seal: int | None) -> datetime:
        """Return the earliest time of an entry that no seal before this one covers.

        Args:
            seal: Number of the first seal that covers it; None if none does.
        """
        at = len(self._numbers) if seal is None else bisect_left(self._numbers, seal)
        if not at:
            return _LONG_AGO
        return datetime.fromtimestamp(self._times[at - 1], UTC) - GRACE


@dataclass(kw_only=True, slots=True)
class Walked:
    """What was seen on the way along a chain."""

    entries: int = 0
    sealed: int = 0
    """How far seals reach."""

    last: int = 0
    """Sequence of the last entry that was in order."""

    fault: Fault | None = None
    action: str = ""
    """Of the first entry."""

    value: str = ""
    """Where the last moving entry leaves the subject."""

    cause: UUID | None = None
    moved_at: int = 0
    """Sequence of that entry."""

    snapshots: list[Snapshot] = field(default_factory=list)
    personal: dict[str, int] = field(default_factory=dict)
    """Digests of personal values that must be there, and the entries that name them."""


def walk(
    *,
    chain: UUID,
    rows: Iterable[Row],
    heads: Sequence[Row],
    floors: Floors,
    moves: frozenset[str],
) -> Walked:
    """Follow a chain and stop judging at its first fault.

    Args:
        rows: All its entries by place, as in `reading.ENTRY`.
        heads: Where seals saw its end, by seal, as in `reading.HEAD`; read before the entries.
        moves: Actions whose `new` is from then on the subject's status.
    """
    seen = Walked(sealed=max((head[2] for head in heads), default=0))
    course = _Course(chain, heads, floors)
    for row in rows:
        if not seen.entries:
            seen.action = row[3]
        seen.entries += 1
        if seen.fault is None:
            seen.fault = course.step(row)
        if row[3] in moves and row[8]:
            seen.value, seen.moved_at = row[8], row[1]
            if row[9] is not None and _VERSION in row[11]:
                seen.cause = row[9]
            _note_snapshot(seen, row)
        _note_personal(seen, row)
    seen.last = course.last
    if seen.fault is None:
        seen.fault = course.end()
    return seen


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A part of a chain, from one seal to the next."""

    until: int | None
    """Sequence at which the seal saw the chain's end; None for what is not sealed yet."""

    seal: int | None
    digest: str
    """What the seal saw there."""

    floor: datetime
    """The earliest time of its entries."""


class _Course:
    """How far a chain has been found in order, and what must come next."""

    def __init__(self, chain: UUID, heads: Sequence[Row], floors: Floors) -> None:
        self._chain = chain
        self._ahead = deque(
            _Stretch(sequence, seal, digest, floors.before(seal))
            for _, seal, sequence, digest, _ in sorted(heads, key=itemgetter(2, 1))
        )
        self._ahead.append(_Stretch(None, None, "", floors.before(None)))
        self._digest = GENESIS
        self._proved = 0
        self.last = 0
        """Sequence of the last entry that was in order."""

    def step(self, row: Row) -> Fault | None:
        """Go on to the next entry and return what is wrong with it."""
        if row[1] != self.last + 1 or row[12] != self._digest or row[13] != digest_of(row[:13]):
            return diagnose(row=row, place=self.last + 1, last=self._digest, proved=self._proved)
        self.last, self._digest = row[1], row[13]
        if row[2] < self._ahead[0].floor:
            return _too_old(row)
        while self._ahead[0].until == self.last:
            if self._ahead[0].digest != self._digest:
                return rewritten(
                    chain=self._chain,
                    place=self.last,
                    expected=self._ahead[0].digest,
                    seal=self._ahead[0].seal,
                    proved=self._proved,
                )
            self._proved = self.last
            self._ahead.popleft()
        return None

    def end(self) -> Fault | None:
        """Return what is wrong with ending here.

        A head of sequence 0 is never met on the way: a chain that had been written to was empty
        when it was sealed.
        """
        stretch = self._ahead[0]
        if stretch.until is None:
            return None
        return _cut_off(self._chain, self.last, stretch, self._proved)


def _cut_off(chain: UUID, last: int, stretch: _Stretch, proved: int) -> Fault:
    until, seal = stretch.until, stretch.seal
    if not until:
        message = f"seal {seal} found no entry in this chain, though it had been written to"
    elif until == last + 1:
        message = f"entry {until}, which seal {seal} covers, is cut off"
    else:
        message = f"entries {last + 1} to {until}, which seal {seal} covers, are cut off"
    if last > proved:
        message += f"; nothing confirms entries {proved + 1} to {last} any more"
    return Fault(
        kind=Kind.CUT_OFF,
        chain=chain,
        sequence=last + 1,
        until=last + 1,
        unproved=proved + 1,
        seal=seal,
        message=message,
    )


def _too_old(row: Row) -> Fault:
    return Fault(
        kind=Kind.INSERTED,
        chain=row[0],
        sequence=row[1],
        until=row[1],
        message=(
            f"entry {row[1]} is dated {row[2].isoformat()}, but a later seal, which took in all"
            " there was, did not see it: it was put in afterwards, or kept from the sealer"
        ),
    )


def _note_snapshot(seen: Walked, row: Row) -> None:
    """Note which fields a moving entry left, if it says so."""
    told = _SNAPSHOT.search(row[11])
    if told is not None:
        seen.snapshots.append(
            Snapshot(chain=row[0], sequence=row[1], cause=row[9], digest=told[1])
        )


def _note_personal(seen: Walked, row: Row) -> None:
    """Note which personal values must be there: named by an entry, and not redacted since."""
    if row[3] == REDACTED:
        for erased in _ERASED.finditer(row[11]):
            seen.personal.pop(erased[0], None)
    if row[5].startswith(MARK) or row[6].startswith(MARK) or MARK in row[11]:
        for text in (row[5], row[6], row[11]):
            for token in TOKEN.finditer(text):
                seen.personal[token[1]] = row[1]
