"""Retry-After: how long a downstream asks us to wait."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(hours=1)
"""A downstream that asks for more is asked again after this."""

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


def delay(*, told: str | None, now: datetime) -> timedelta | None:
    """Return the wait that a header asks for, 0 to `LONGEST`; None if it is not there or no wait.

    Args:
        told: Seconds, or a date (RFC 9110, section 10.2.3).
    """
    if told is None:
        return None
    text = told.strip()
    if _SECONDS.fullmatch(text):
        return min(timedelta(seconds=int(text)), LONGEST)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), LONGEST)
