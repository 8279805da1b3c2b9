"""One call downstream, as its handler sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID


def _silent(_fraction: float, _note: str) -> None:
    """Take no notice of progress."""


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Call:
    """All that a handler of an effect gets. It has no record: what is sent was fixed before.

    Handlers run in threads and may not use the engine. Whatever they raise, other than
    `Retryable` and `Permanent`, counts as `Unknown`.
    """

    key: str
    """Transition id and effect name, the same for ever: send it as the idempotency key."""

    effect: str
    channel: str
    transition_id: UUID
    workflow: str
    transition: str
    reference: str
    """What people call the record."""

    request: Mapping[str, Any]
    """What the effect's `request` returned when it was planned."""

    receipt: Mapping[str, Any] = field(default_factory=dict)
    """For an undo: the receipt of what is to be undone. For a poll: that of the acceptance."""

    attempt: int
    """1 for the first."""

    first_sent_at: datetime | None = None
    """When an earlier attempt may have reached the downstream; None if none did."""

    correlation_id: str
    traceparent: str
    timeout: timedelta
    """By then an answer has to be there; give it to the client library."""

    report: Callable[[float, str], None] = field(default=_silent, repr=False)
    cancelled: Callable[[], bool] = field(default=_never, repr=False)

    def progress(self, fraction: float, note: str = "") -> None:
        """Show a sign of life: how much is done (0 to 1) and what is being done.

        Renews the lease. An effect that declares a `heartbeat` must call this at least as often.
        """
        self.report(fraction, note)

    @property
    def is_cancelled(self) -> bool:
        """Whether a person has asked to stop; return at the next point where that is safe."""
        return self.cancelled()
