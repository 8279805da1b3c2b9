"""What the rest of the database says about the subjects of chains.

The trail knows nothing of what it is about. Whoever keeps a status elsewhere registers a witness,
and the verification compares: each status must be where the last moving entry left it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where a chain's subject stands, and by which transition it came there."""

    chain: UUID
    value: str
    cause: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What an entry says its subject's fields were once it had been written."""

    chain: UUID
    sequence: int
    cause: UUID | None
    """The transition that left them so; None: they were so at the beginning."""

    digest: str


class Witness(Protocol):
    """Who can say where subjects stand."""

    @property
    def moves(self) -> frozenset[str]:
        """Actions of entries whose `new` is from then on the subject's status."""

    @property
    def begins(self) -> frozenset[str]:
        """Actions that begin the chain of a subject."""

    def standings(self, *, after: UUID | None) -> Iterator[Standing]:
        """Yield all standings after this chain, in the order of chains, in flat memory."""

    def standing(self, *, chain: UUID) -> Standing | None:
        """Return one; None if the chain has no subject."""

    def digests(self, *, told: Sequence[Snapshot]) -> Iterable[tuple[Snapshot, str]]:
        """Yield each with the digest that the kept fields give; empty if they are gone."""


class _Nobody:
    """The witness of a trail on its own."""

    moves: frozenset[str] = frozenset()
    begins: frozenset[str] = frozenset()

    def standings(self, *, after: UUID | None) -> Iterator[Standing]:
        return iter(())

    def standing(self, *, chain: UUID) -> Standing | None:
        return None

    def digests(self, *, told: Sequence[Snapshot]) -> Iterable[tuple[Snapshot, str]]:
        return ()


_called: list[Witness] = []


def register(witness: Witness) -> None:
    """Let this witness be heard, in place of any other."""
    _called[:] = [witness]


def heard() -> Witness:
    """Return the registered witness, or one that knows nothing."""
    return _called[0] if _called else _Nobody()
