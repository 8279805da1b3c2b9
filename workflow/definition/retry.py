"""How often, and how far apart, a failing transition is tried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Exponential backoff with a ceiling; the engine adds jitter.

    With the defaults the tries of an envelope that always fails are about 2, 4, 8, 16, 32, 64 and
    128 seconds apart, and it parks for a person after some four minutes.
    """

    attempts: int = 8
    """Attempts in all, crashes of a worker included; after the last the envelope parks."""

    first: timedelta = timedelta(seconds=2)
    factor: float = 2.0
    longest: timedelta = timedelta(minutes=10)

    def delay(self, *, failures: int) -> timedelta:
        """Return the wait after `failures` (1 or more) failed attempts, before jitter."""
        seconds = self.first.total_seconds() * self.factor ** min(failures - 1, 64)
        return min(timedelta(seconds=min(seconds, 1e9)), self.longest)

    def faults(self) -> list[str]:
        """Return what is wrong with the policy, in words."""
        found = []
        if self.attempts < 1:
            found.append(f"retry.attempts is {self.attempts}; at least 1 is needed")
        if self.first <= timedelta(0) or self.longest < self.first:
            found.append(
                f"retry.first is {self.first} and longest is {self.longest};"
                " 0 < first <= longest is needed"
            )
        if self.factor < 1:
            found.append(f"retry.factor is {self.factor}; at least 1 is needed")
        return found
