"""Checking the seals: their signatures, their order, and the roots over their heads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from audit.canonical import head_leaf, sha256
from audit.chain import GENESIS
from audit.keys import is_signed
from audit.merkle import Tree
from audit.models import Seal, SealedHead
from audit.seal import statement_of
from audit.verify.fault import Fault, Kind
from audit.verify.reading import PAGE


def check_seals(*, trusted: Collection[str]) -> Iterator[Fault | None]:
    """Yield for each seal in its order what is wrong with it, or None. Flat memory."""
    leaves = _Leaves(_heads())
    number, previous = 0, GENESIS
    for seal in _seals():
        tree, heads, entries = leaves.take(seal.number)
        yield (
            _order(seal, number, previous)
            or _signature(seal, trusted)
            or _content(seal, tree, heads, entries)
        )
        number, previous = seal.number, seal.digest
    if leaves.seal is not None:
        yield _fault(
            leaves.seal, f"is gone: there are heads of seal {leaves.seal}, but not itself"
        )


def check_some(*, numbers: Iterable[int], trusted: Collection[str]) -> Iterator[Fault]:
    """Yield what is wrong with these seals, each on its own."""
    for seal in Seal.objects.filter(pk__in=list(numbers)).order_by("number").iterator():
        leaves = _Leaves(_heads_of(seal.number))
        fault = _signature(seal, trusted) or _content(seal, *leaves.take(seal.number))
        if fault is not None:
            yield fault


class _Leaves:
    """Heads in the order of seals, folded into a tree for each."""

    def __init__(self, rows: Iterator[SealedHead]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    @property
    def seal(self) -> int | None:
        """Whose heads come next; None at the end."""
        return None if self._next is None else self._next.seal_id

    def take(self, number: int) -> tuple[Tree, int, int]:
        """Return the tree over a seal's heads, how many they are, and the entries they add."""
        tree, heads, entries = Tree(), 0, 0
        while self._next is not None and self._next.seal_id <= number:
            head = self._next
            if head.seal_id == number:
                tree.add(
                    head_leaf(
                        chain=head.chain,
                        sequence=head.sequence,
                        digest=head.digest,
                        since=head.since,
                    )
                )
                heads += 1
                entries += max(head.sequence - head.since, 0)
            self._next = next(self._rows, None)
        return tree, heads, entries


def _order(seal: Seal, number: int, previous: str) -> Fault | None:
    if seal.number != number + 1:
        gone = (
            f"seal {number + 1}"
            if seal.number == number + 2
            else (f"seals {number + 1} to {seal.number - 1}")
        )
        return _fault(number + 1, f"{gone} before seal {seal.number} is gone")
    if seal.previous != previous:
        return _fault(seal.number, f"seal {seal.number} does not follow on the one before it")
    return None


def _signature(seal: Seal, trusted: Collection[str]) -> Fault | None:
    statement = statement_of(seal)
    if sha256(statement) != seal.digest or not is_signed(
        statement=statement, signature=seal.signature, public=seal.key
    ):
        return _fault(seal.number, f"seal {seal.number} is not what its key {seal.key} signed")
    if seal.key not in trusted:
        return _fault(
            seal.number,
            f"seal {seal.number} is signed with key {seal.key}, for which no trusted key vouches",
        )
    return None


def _content(seal: Seal, tree: Tree, heads: int, entries: int) -> Fault | None:
    if (heads, entries, tree.root()) != (seal.heads, seal.entries, seal.root):
        return _fault(
            seal.number, f"the heads that are listed for seal {seal.number} are not what it signed"
        )
    return None


def _fault(number: int, message: str) -> Fault:
    return Fault(kind=Kind.SEAL_BROKEN, seal=number, message=message)


def _seals() -> Iterator[Seal]:
    last = -1
    while page := list(Seal.objects.filter(number__gt=last).order_by("number")[:PAGE]):
        yield from page
        last = page[-1].number


def _heads() -> Iterator[SealedHead]:
    last: SealedHead | None = None
    while True:
        page: list[SealedHead] = []
        if last is not None:
            same = SealedHead.objects.filter(seal=last.seal_id, position__gt=last.position)
            page = list(same.order_by("position")[:PAGE])
        if len(page) < PAGE:
            rest = SealedHead.objects.filter(seal__gt=0 if last is None else last.seal_id)
            page += rest.order_by("seal", "position")[: PAGE - len(page)]
        if not page:
            return
        yield from page
        last = page[-1]


def _heads_of(number: int) -> Iterator[SealedHead]:
    return iter(SealedHead.objects.filter(seal=number).order_by("position"))
