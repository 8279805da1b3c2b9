"""A downstream system, and how much of it we may use at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """When to stop calling a downstream that fails, and for how long."""

    failures: int = 5
    """Failed calls in a row, of whichever worker, that open the circuit."""

    first: timedelta = timedelta(seconds=5)
    """How long it stays open the first time; then one probe goes through."""

    longest: timedelta = timedelta(minutes=2)
    """Each failed probe doubles the wait, up to this."""

    def wait(self, *, openings: int) -> timedelta:
        """Return how long the circuit stays open the n-th time in a row (1 or more)."""
        seconds = self.first.total_seconds() * 2.0 ** min(openings - 1, 32)
        return min(timedelta(seconds=seconds), self.longest)


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One downstream. Its limits hold over all workers on all hosts, kept in one database row."""

    name: str
    concurrency: int = 16
    """Most calls under way at a time."""

    rate: float | None = None
    """Most calls a second; None: no limit."""

    breaker: Breaker = field(default_factory=Breaker)

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with it, in words."""
        if self.concurrency < 1:
            yield f"channel {self.name!r}: concurrency is {self.concurrency}; at least 1 is needed"
        if self.rate is not None and self.rate <= 0:
            yield f"channel {self.name!r}: rate is {self.rate}; it must be positive"
        if self.breaker.failures < 1:
            yield (
                f"channel {self.name!r}: breaker.failures is {self.breaker.failures};"
                " at least 1 is needed"
            )
        if not timedelta(0) < self.breaker.first <= self.breaker.longest:
            yield f"channel {self.name!r}: 0 < breaker.first <= breaker.longest is needed"
