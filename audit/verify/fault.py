"""What can be wrong with a trail."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from uuid import UUID


class Kind(enum.StrEnum):
    """The closed set of what a verification can find."""

    EDITED = "edited"
    """An entry does not say what it said when it was written."""

    MISSING = "missing"
    """An entry that others follow on is gone."""

    REORDERED = "reordered"
    """An entry stands at another place than it was written at."""

    INSERTED = "inserted"
    """An entry was put in afterwards."""

    CUT_OFF = "cut off"
    """A seal saw the chain go on further."""

    SEAL_BROKEN = "seal broken"
    """A seal, or the row of seals, is not what was signed."""

    UNEXPLAINED = "unexplained"
    """The subject stands where no entry put it."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong. Of each chain the first is told; later ones prove nothing more."""

    kind: Kind
    message: str
    """A sentence for a person, without the chain's name."""

    chain: UUID | None = None
    """None for a fault of a seal."""

    sequence: int | None = None
    """The first bad entry."""

    until: int | None = None
    """Where it cannot be told exactly, the first bad entry lies between `sequence` and this."""

    unproved: int | None = None
    """Where an end is cut off: from here to there the entries fit, but no seal confirms them any
    more; they may have been recomputed."""

    seal: int | None = None

    def __str__(self) -> str:
        """Return where and what."""
        where = f"seal {self.seal}" if self.chain is None else f"chain {self.chain}"
        return f"{where}: {self.kind}: {self.message}"
