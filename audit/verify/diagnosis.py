"""What happened at the place where a chain does not go on as it should.

An entry names its place, its predecessor's digest and its own. So an entry that was moved still
tells where it was written, and one that was put in leaves those behind it naming another. Looking
at the rest of the chain tells an edit from an insertion, a removal or a swap; it costs a few
statements, once for each broken chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from audit.canonical import digest_of
from audit.chain import GENESIS
from audit.verify.fault import Fault, Kind
from audit.verify.reading import Row, entries_of

_FAR = 2_000
"""How far from where it stands an entry's original place is looked for."""


@dataclass(frozen=True, slots=True)
class _Scene:
    row: Row
    place: int
    last: str
    proved: int

    def fault(self, kind: Kind, message: str, *, at: int | None = None, until: int = 0) -> Fault:
        sequence = self.place if at is None else at
        return Fault(
            kind=kind,
            chain=self.row[0],
            sequence=sequence,
            until=max(until, sequence),
            message=message,
        )


def diagnose(*, row: Row, place: int, last: str, proved: int) -> Fault:
    """Return what is wrong with an entry that is not the one expected.

    Args:
        row: The entry that was found.
        place: The sequence that should come next.
        last: Digest of the entry before that place, or zeros.
        proved: Up to which sequence a seal has confirmed what was read.
    """
    scene = _Scene(row, place, last, proved)
    if not isinstance(row[1], int):
        message = f"an entry claims place {row[1]!r}, which is no whole number"
        return scene.fault(Kind.INSERTED, message)
    if row[1] < place:
        return scene.fault(Kind.INSERTED, f"two entries claim place {row[1]}", at=row[1])
    rightful = _rightful(scene)
    if row[1] > place:
        return _gap(scene, rightful)
    if rightful is not None:
        return _displaced(scene, rightful)
    return _strange(scene)


def rewritten(*, chain: UUID, place: int, expected: str, seal: int | None, proved: int) -> Fault:
    """Return what is wrong with a chain that is in order, but not the one that a seal saw.

    Args:
        place: Where the seal saw the chain's end.
        expected: The digest that it saw there.
        proved: Up to which sequence an earlier seal has confirmed what was read.
    """
    saw = f"seal {seal} saw entry {place} with another digest"
    places = {row[13]: row for row in entries_of(chain)}
    pushed = places.get(expected)
    before = None if pushed is None else places.get(pushed[12])
    if pushed is not None and pushed[1] > place:
        first = 1 if before is None else before[1] + 1
        kind, message = (
            Kind.INSERTED,
            f"entry {first} was put in: {saw}, which stands at {pushed[1]}",
        )
        until = place
    else:
        first, until, kind = proved + 1, place, Kind.EDITED
        which = f"entry {place}" if first == place else f"an entry from {first} to {place}"
        message = f"{which} was altered and what follows recomputed: {saw}"
    return Fault(kind=kind, chain=chain, sequence=first, until=until, seal=seal, message=message)


def _gap(scene: _Scene, rightful: Row | None) -> Fault:
    place, found = scene.place, scene.row[1]
    if rightful is not None:
        return scene.fault(
            Kind.REORDERED,
            f"entry {place} is missing before entry {found}; it stands at {rightful[1]}",
        )
    if found - place == 1:
        return scene.fault(Kind.MISSING, f"entry {place} is missing before entry {found}")
    return scene.fault(
        Kind.MISSING, f"entries {place} to {found - 1} are missing before entry {found}"
    )


def _displaced(scene: _Scene, rightful: Row) -> Fault:
    """Tell a swap from an insertion: the entry that belongs here stands elsewhere."""
    place = scene.place
    if _origin(scene.row) is not None:
        return scene.fault(
            Kind.REORDERED,
            f"entry {place} does not follow on the one before it;"
            f" the one that does stands at {rightful[1]}",
        )
    return scene.fault(
        Kind.INSERTED,
        f"entry {place} was put in; the one that was written there stands at {rightful[1]}",
    )


def _strange(scene: _Scene) -> Fault:
    """Tell an edit from a removal or an insertion: nothing else in the chain belongs here."""
    row, place = scene.row, scene.place
    if row[13] == digest_of(row[:13]):
        return _consistent_in_itself(scene)
    origin = _origin(row)
    if origin is None or origin == place:
        return scene.fault(
            Kind.EDITED, f"entry {place} was altered: its content does not give its digest"
        )
    if origin > place:
        return scene.fault(
            Kind.MISSING,
            f"entry {place} does not follow on the one before it: it was written as entry"
            f" {origin}, so what was entry {place} has been removed",
        )
    return scene.fault(
        Kind.INSERTED,
        f"entry {place} does not follow on the one before it: it was written as entry {origin},"
        f" so entry {origin} has been put in",
        at=max(origin, scene.proved + 1),
        until=place - 1,
    )


def _consistent_in_itself(scene: _Scene) -> Fault:
    place = scene.place
    follows = f"entry {place} does not follow on the one before it"
    if place == 1:
        return scene.fault(Kind.EDITED, f"{follows}: it is the first, and names a predecessor")
    if scene.proved == place - 1:
        return scene.fault(
            Kind.EDITED, f"{follows}, which a seal confirms: it was altered, digest included"
        )
    return scene.fault(
        Kind.EDITED,
        f"{follows}: entry {place - 1} or {place} was altered, digest included",
        at=place - 1,
        until=place,
    )


def _rightful(scene: _Scene) -> Row | None:
    """Return the entry that was written at this place, if it stands at another now."""
    for other in _around(scene):
        if other[12] == scene.last and other[1] != scene.place:
            said = (other[0], scene.place, *other[2:13])
            if digest_of(said) == other[13]:
                return other
    return None


def _around(scene: _Scene) -> Iterator[Row]:
    yield from entries_of(scene.row[0])


def _origin(row: Row) -> int | None:
    """Return the place at which the entry's content gives its digest."""
    if row[12] == GENESIS:
        nearest: Iterator[int] = iter((1,))
    else:
        low = max(1, row[1] - _FAR)
        nearest = iter(sorted(range(low, row[1] + _FAR), key=lambda place: abs(place - row[1])))
    for place in nearest:
        if digest_of((row[0], place, *row[2:13])) == row[13]:
            return place
    return None
