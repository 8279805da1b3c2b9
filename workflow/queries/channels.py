"""The downstreams: whether their doors are open, what waits behind them, what is under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _

from workflow import definition
from workflow.definition import registry
from workflow.models import Channel, Closed, EffectEntry, EffectState, Pause, Scope
from workflow.queries.moments import at_and_in
from workflow.queries.wording import ended


@dataclass(frozen=True, kw_only=True)
class Door:
    """One channel as it stands."""

    name: str
    declared: definition.Channel | None
    """None: this release does not use it any more, and rows still wait behind it."""

    row: Channel | None
    pause: Pause | None
    tone: str
    words: str
    waiting: int
    under_way: int
    pending: int
    stuck: int
    oldest_at: datetime | None
    """When the oldest one that waits was planned."""

    @property
    def is_held(self) -> bool:
        """Whether it lets nothing through for a reason that people care for, and calls wait."""
        return self.tone in ("bad", "warn") and bool(self.waiting)


def doors(*, now: datetime) -> list[Door]:
    """Return all channels by name; three statements."""
    rows = Channel.objects.in_bulk()
    pauses = {
        each.name: each
        for each in Pause.objects.in_force(now=now)
        .filter(scope=Scope.CHANNEL)
        .select_related("paused_by")
    }
    held = Q(claim__isnull=False)
    counted = {
        row["channel"]: row
        for row in EffectEntry.objects.filter(finished_at__isnull=True)
        .values("channel")
        .annotate(
            waiting=Count("pk", filter=Q(state=EffectState.WAITING) & ~held),
            under_way=Count("pk", filter=held),
            pending=Count("pk", filter=Q(state=EffectState.PENDING) & ~held),
            stuck=Count("pk", filter=Q(state__in=[EffectState.IN_DOUBT, EffectState.PARKED])),
            oldest_at=Min("planned_at", filter=Q(state=EffectState.WAITING)),
        )
        .order_by()
    }
    declared = registry.channels()
    found = []
    for name in sorted({*declared, *rows, *counted}):
        row, pause = rows.get(name), pauses.get(name)
        tone, words = _standing(row, pause, now)
        numbers: Any = counted.get(name, {})
        found.append(
            Door(
                name=name,
                declared=declared.get(name),
                row=row,
                pause=pause,
                tone=tone,
                words=words,
                waiting=numbers.get("waiting", 0),
                under_way=numbers.get("under_way", 0),
                pending=numbers.get("pending", 0),
                stuck=numbers.get("stuck", 0),
                oldest_at=numbers.get("oldest_at"),
            )
        )
    return found


def _standing(row: Channel | None, pause: Pause | None, now: datetime) -> tuple[str, str]:
    if pause is not None:
        until = at_and_in(pause.until, now=now) if pause.until else _("a person resumes it")
        return "warn", _("Paused until %(until)s: %(reason)s") % {
            "until": until,
            "reason": pause.reason,
        }
    if row is None or row.opens_at is None or row.opens_at <= now:
        return "good", _("Open")
    when = at_and_in(row.opens_at, now=now)
    if row.closed_by in (Closed.CIRCUIT, Closed.PROBE):
        return "bad", _("Held back, it keeps failing: %(why)s Probed at %(when)s.") % {
            "why": ended(row.last_failure),
            "when": when,
        }
    return "busy", _("As many calls as allowed; more from %(when)s.") % {"when": when}
