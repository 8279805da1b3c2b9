"""How the whole trail is vouched for: its last seal, and its last reading to the end."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.models import Anchoring, Seal, Unsealed, Verification
from workflow.queries.counting import Count, count

STALE_AFTER = timedelta(days=2)
"""A daily seal, or a daily reading, that is older has been missed at least once."""


class Vouched(enum.StrEnum):
    """What the reader has to feel about it; the same words as the pages' tones."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What is known of the trail as a whole."""

    seal: Seal | None
    anchoring: Anchoring | None
    """The last try to write that seal outside; None: no anchors are kept."""

    unsealed: Count
    """Marks of chains that were extended since."""

    reading: Verification | None
    """The last that came to its end."""

    unfinished: Verification | None
    """A later one that has not; it runs, or was interrupted."""

    now: datetime

    @property
    def seal_tone(self) -> Vouched:
        """How the last seal is to be taken."""
        if self.seal is None or self.seal.sealed_at < self.now - STALE_AFTER:
            return Vouched.WARN
        if self.anchoring is not None and not self.anchoring.succeeded:
            return Vouched.WARN
        return Vouched.GOOD

    @property
    def reading_tone(self) -> Vouched:
        """How the last reading is to be taken."""
        if self.reading is None:
            return Vouched.WARN
        if self.reading.problems:
            return Vouched.BAD
        finished = self.reading.finished_at
        is_old = finished is None or finished < self.now - STALE_AFTER
        return Vouched.WARN if is_old else Vouched.GOOD


def verified(*, now: datetime) -> Verified:
    """Return it in five statements, whatever the length of the trail."""
    seal = Seal.objects.order_by("-number").first()
    readings = Verification.objects.order_by("-id")
    reading = readings.filter(finished_at__isnull=False).first()
    unfinished = readings.filter(finished_at__isnull=True)
    if reading is not None:
        unfinished = unfinished.filter(pk__gt=reading.pk)
    return Verified(
        seal=seal,
        anchoring=None
        if seal is None
        else Anchoring.objects.filter(seal=seal.pk).order_by("-id").first(),
        unsealed=count(Unsealed.objects.all(), at_most=1000),
        reading=reading,
        unfinished=unfinished.first(),
        now=now,
    )
