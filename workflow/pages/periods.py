"""From when until when, as an address says it: days in the site's time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from workflow.queries.search import Period


@dataclass(frozen=True, kw_only=True)
class Days:
    """Two days, both included; None: open."""

    first: date | None = None
    last: date | None = None

    @property
    def period(self) -> Period:
        """The same as moments."""
        return Period(start=_midnight(self.first), end=_midnight(_next(self.last)))


@dataclass(frozen=True, kw_only=True)
class Quick:
    """A period one press away."""

    label: str
    first: str
    last: str
    is_chosen: bool


def days(query: Mapping[str, str]) -> Days:
    """Return the days that `from` and `to` name; what is no day is left open."""
    return Days(first=_day(query.get("from", "")), last=_day(query.get("to", "")))


def quick(chosen: Days, *, now: datetime) -> list[Quick]:
    """Return the usual periods, up to today."""
    today = timezone.localdate(now)
    choices = [
        (_("All"), None, None),
        (_("Today"), today, today),
        (_("Yesterday"), today - timedelta(days=1), today - timedelta(days=1)),
        (_("7 days"), today - timedelta(days=6), today),
        (_("30 days"), today - timedelta(days=29), today),
    ]
    return [
        Quick(
            label=label,
            first="" if first is None else first.isoformat(),
            last="" if last is None else last.isoformat(),
            is_chosen=(chosen.first, chosen.last) == (first, last),
        )
        for label, first, last in choices
    ]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _next(day: date | None) -> date | None:
    return None if day is None or day == date.max else day + timedelta(days=1)


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else timezone.make_aware(datetime.combine(day, time.min))
