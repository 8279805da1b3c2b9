"""How far ahead something may be put off.

Calendars end with the year 9999. A time just before that has no local time in half of the world's
zones, and nothing can be added to it, so that one wish could keep pages from being shown.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

from workflow.definition import InvalidRequest

FURTHEST = timedelta(days=36_525)
"""A century."""


def check_horizon(*, field: str, at: datetime, now: datetime) -> None:
    """See that a time to come is one that people could mean.

    Raises:
        InvalidRequest: It is too far ahead.
    """
    if at - now > FURTHEST:
        raise InvalidRequest(field, at.isoformat(), gettext_noop("lies more than a century ahead"))
