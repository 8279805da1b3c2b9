"""Times as people read them: with their zone, and from now."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def clock_time(at: datetime, *, now: datetime) -> str:
    """Return the time with its zone; the day only where it is not today's."""
    local, today = timezone.localtime(at), timezone.localtime(now)
    form = "%H:%M:%S %Z" if local.date() == today.date() else "%Y-%m-%d %H:%M %Z"
    return local.strftime(form)


def relative(at: datetime, *, now: datetime) -> str:
    """Return how far a time is from now, as in `3 min ago` or `in 2 h`."""
    seconds = (at - now).total_seconds()
    if abs(seconds) < 1:
        return _("now")
    said = duration(timedelta(seconds=abs(seconds)))
    return _("in %(time)s") % {"time": said} if seconds > 0 else _("%(time)s ago") % {"time": said}


def duration(span: timedelta) -> str:
    """Return a length of time in its largest sensible unit."""
    seconds = max(0.0, span.total_seconds())
    if seconds < 1:
        return _("%(n)d ms") % {"n": round(seconds * 1000)}
    if seconds < 2 * _MINUTE:
        return _("%(n)d s") % {"n": round(seconds)}
    if seconds < 2 * _HOUR:
        return _("%(n)d min") % {"n": round(seconds / _MINUTE)}
    if seconds < 2 * _DAY:
        return _("%(n)d h") % {"n": round(seconds / _HOUR)}
    days = round(seconds / _DAY)
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def at_and_in(at: datetime, *, now: datetime) -> str:
    """Return a time both ways, as in `14:05:00 UTC (in 3 min)`."""
    return f"{clock_time(at, now=now)} ({relative(at, now=now)})"
