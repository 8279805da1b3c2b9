"""Proofs that seals contain a chain's ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from audit.canonical import head_leaf
from audit.merkle import path
from audit.models import SealedHead

_A_STATEMENT = 500


def proofs(*, chains: Collection[UUID]) -> Iterator[dict[str, Any]]:
    """Yield a proof for each time that a seal saw one of the chains, by seal and chain.

    Reads every head of every seal concerned, one seal at a time; a seal has 10,000 at most.
    """
    wanted: dict[int, set[UUID]] = defaultdict(set)
    for some in _parts(sorted(chains)):
        seen = SealedHead.objects.filter(chain__in=some).values_list("seal_id", "chain")
        for number, chain in seen.iterator():
            wanted[number].add(chain)
    for number in sorted(wanted):
        yield from _of_seal(number, wanted[number])


def _of_seal(number: int, wanted: set[UUID]) -> Iterator[dict[str, Any]]:
    heads = list(SealedHead.objects.filter(seal=number).order_by("position"))
    leaves = [
        head_leaf(chain=head.chain, sequence=head.sequence, digest=head.digest, since=head.since)
        for head in heads
    ]
    for place, head in enumerate(heads):
        if head.chain in wanted:
            yield {
                "chain": head.chain.hex,
                "seal": number,
                "sequence": head.sequence,
                "digest": head.digest,
                "since": head.since,
                "position": place,
                "leaves": len(leaves),
                "path": path(leaves, place),
            }


def _parts(chains: list[UUID]) -> Iterator[list[UUID]]:
    return (chains[at : at + _A_STATEMENT] for at in range(0, len(chains), _A_STATEMENT))
