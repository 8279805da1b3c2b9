"""Checking personal values against the digests that entries hold of them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from audit.models import PersonalValue
from audit.personal import digest_of
from audit.verify.fault import Fault, Kind
from audit.verify.walk import Walked

_TOGETHER = 500


class Pending:
    """Personal values that entries name and that are still to be looked up, many at once."""

    def __init__(self) -> None:
        self._named: dict[str, tuple[UUID, int]] = {}

    def __bool__(self) -> bool:
        """Whether any is."""
        return bool(self._named)

    @property
    def is_full(self) -> bool:
        """Whether it is worth a statement."""
        return len(self._named) >= _TOGETHER

    def add(self, chain: UUID, seen: Walked) -> None:
        """Note what the entries of a chain name."""
        for digest, sequence in seen.personal.items():
            self._named[digest] = (chain, sequence)

    def settle(self) -> Iterator[Fault]:
        """Look them up and yield what is wrong; afterwards there are none pending."""
        named, self._named = self._named, {}
        digests = list(named)
        for start in range(0, len(digests), _TOGETHER):
            some = digests[start : start + _TOGETHER]
            rows = PersonalValue.objects.filter(pk__in=some)
            kept = {row.digest: row for row in rows}
            for digest in some:
                yield from _judge(kept.get(digest), digest, *named[digest])


def _judge(row: PersonalValue | None, digest: str, chain: UUID, sequence: int) -> Iterator[Fault]:
    if row is None:
        kind = Kind.MISSING
        message = (
            f"a personal value of entry {sequence} is gone, and no entry says who redacted it"
        )
    elif digest_of(salt=row.salt, value=row.value) != digest:
        kind = Kind.EDITED
        message = f"a personal value of entry {sequence} was altered: it does not give its digest"
    else:
        return
    yield Fault(kind=kind, chain=chain, sequence=sequence, until=sequence, message=message)
