"""Checking what lies beside the trail against the digests that entries hold of it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from audit.models import PersonalValue
from audit.personal import digest_of
from audit.verify.fault import Fault, Kind
from audit.verify.walk import Walked
from audit.verify.witness import Snapshot, Witness

_TOGETHER = 500


class Pending:
    """Values and fields that entries tell of and that are still to be looked up, many at once."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._named: dict[str, tuple[UUID, int]] = {}
        self._told: list[Snapshot] = []

    def __bool__(self) -> bool:
        """Whether any is."""
        return bool(self._named or self._told)

    @property
    def is_full(self) -> bool:
        """Whether it is worth a statement."""
        return len(self._named) + len(self._told) >= _TOGETHER

    def add(self, chain: UUID, seen: Walked) -> None:
        """Note what the entries of a chain tell of, unless they are not to be believed."""
        if seen.fault is None:
            for digest, sequence in seen.personal.items():
                self._named[digest] = (chain, sequence)
            self._told += seen.snapshots

    def settle(self) -> Iterator[Fault]:
        """Look them up and yield what is wrong; afterwards there are none pending."""
        yield from self._settle_fields()
        yield from self._settle_values()

    def _settle_fields(self) -> Iterator[Fault]:
        told, self._told = self._told, []
        for each, digest in self._witness.digests(told=told) if told else ():
            if digest != each.digest:
                gone = "are gone" if not digest else "were altered"
                yield Fault(
                    kind=Kind.EDITED if digest else Kind.MISSING,
                    chain=each.chain,
                    sequence=each.sequence,
                    until=each.sequence,
                    message=f"the fields that entry {each.sequence} left {gone} in the history",
                )

    def _settle_values(self) -> Iterator[Fault]:
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
