"""One call under way: when it began, what is known of it, and what is recorded in the end."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import datetime

from workflow.definition import Unknown
from workflow.effects.answer import Answer
from workflow.effects.declared import Declared
from workflow.effects.perform import Found, Instant
from workflow.effects.record import Ended
from workflow.models import Doubt, EffectEntry, Kind


@dataclass(kw_only=True)
class Flight:
    """One call under way."""

    entry: EffectEntry
    declared: Declared
    kind: Kind
    began_at: datetime
    began: Instant
    limit: float
    """Seconds after which it is overdue."""

    found: tuple[Found, str] | None = None
    heard: float = 0.0
    """Monotonic time of its last sign of life."""

    ended: float = math.inf
    """Monotonic time at which its answer was there."""

    overdue: float | None = None
    """Monotonic time at which it was first seen to be overdue."""

    progress: tuple[float, str] | None = None
    """A sign that is not written yet."""

    written: float = 0.0
    is_cancelled: bool = False
    """Whether the call is asked to stop; what is still to come would be for nothing."""

    @property
    def is_ask(self) -> bool:
        """Whether nobody but a person could bring it out of doubt."""
        return self.kind is Kind.SEND and self.entry.recovery == Doubt.ASK

    def overrun(self) -> Unknown | None:
        """Return what to call it, if it has taken longer than it may."""
        now = time.monotonic()
        if now - self.began.monotonic > self.limit:
            problem = f"No answer within {self.declared.timeout.total_seconds():g} s."
            return Unknown(reason=problem, code="timeout")
        silent, heartbeat = now - self.heard, self.declared.heartbeat
        if heartbeat is not None and silent > heartbeat.total_seconds():
            problem = f"No sign of life for {silent:.1f} s; one is due every {heartbeat}."
            return Unknown(reason=problem, code="silent")
        return None

    def outcome(self, now: datetime) -> Ended:
        """Return what is to be recorded of it, once it has ended."""
        found, detail = self.found or (Unknown(reason="No answer."), "")
        return Ended(
            entry=self.entry,
            answer=Answer(
                kind=self.kind,
                what=found,
                by=self.entry.worker,
                started_at=self.began_at,
                ended_at=now,
                detail=detail,
            ),
        )
