"""What goes wrong with a call, and when: drawn from a seed, the same on any machine."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


class Fault(enum.StrEnum):
    """One way in which a call goes wrong."""

    BUSY = "busy"
    """Answers 503 with Retry-After; nothing is done."""

    FAILS_BEFORE = "fails_before"
    """Answers 500; nothing is done."""

    FAILS_AFTER = "fails_after"
    """Does it, and answers 500."""

    GARBAGE_BEFORE = "garbage_before"
    """Answers 200 with a web page; nothing is done, as behind a proxy's log-in page."""

    GARBAGE_AFTER = "garbage_after"
    """Does it, and answers 200 with a web page."""

    STALLS = "stalls"
    """Does it at once, and answers nothing until the client has given up."""

    LATE = "late"
    """Answers nothing, and does it after the client has given up."""

    DROPS_BEFORE = "drops_before"
    """Closes the connection; nothing is done."""

    DROPS_AFTER = "drops_after"
    """Does it, and closes the connection."""


KINDS: tuple[tuple[Fault, ...], ...] = (
    (
        Fault.BUSY,
        Fault.FAILS_BEFORE,
        Fault.FAILS_AFTER,
        Fault.GARBAGE_BEFORE,
        Fault.GARBAGE_AFTER,
    ),
    (Fault.STALLS,),
    (Fault.LATE,),
    (Fault.DROPS_BEFORE, Fault.DROPS_AFTER),
)
"""The four kinds that `Faults.each` gives a share: fails, stalls, lands late, drops."""

HIGHEST = 1 / len(KINDS)
"""With this share of each kind, every call goes wrong."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Which share of calls goes wrong, and how."""

    seed: int = 0
    rates: Mapping[Fault, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse shares that are none.

        Raises:
            ValueError: One is below 0, or their sum is above 1.
        """
        if any(rate < 0 for rate in self.rates.values()) or sum(self.rates.values()) > 1 + 1e-9:
            raise ValueError(f"rates {dict(self.rates)}: each at least 0, and 1 at most in all")

    @classmethod
    def each(cls, rate: float, *, seed: int = 0) -> Self:
        """Let a share of calls fail, another stall, another land late, another be dropped.

        Args:
            rate: From 0 to 0.25, for each of the four.

        Raises:
            ValueError: It is not.
        """
        if not 0 <= rate <= HIGHEST:
            raise ValueError(f"faults {rate}: from 0 to {HIGHEST}, for each of {len(KINDS)} kinds")
        rates = {fault: rate / len(kind) for kind in KINDS for fault in kind}
        return cls(seed=seed, rates=rates)

    def of(self, *, downstream: str, method: str, key: str, attempt: int) -> Fault | None:
        """Return what goes wrong with the n-th such call under a key; the same each time."""
        text = f"{self.seed}\n{downstream}\n{method}\n{key}\n{attempt}"
        drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64
        for fault, rate in self.rates.items():
            if drawn < rate:
                return fault
            drawn -= rate
        return None
