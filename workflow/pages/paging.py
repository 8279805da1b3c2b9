"""Long lists, page by page, at the same cost for the first page and the ten-thousandth.

A page begins after a row that the address names by its time and key; numbers of pages would make
the database count and skip what came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

SIZE = 50


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some rows of a list."""

    rows: list[Any]
    after: str
    """Names the last row, for the address of the next page; empty: there is none."""

    is_first: bool


def page(
    rows: QuerySet[Any], *, by: str, after: str = "", newest_first: bool = True, size: int = SIZE
) -> Page:
    """Return the rows after the one that `after` names; one statement.

    Args:
        by: Name of the time that orders the list; the primary key decides between equals.
    """
    place = _place(after)
    if place is not None:
        at, key = place
        way = "lt" if newest_first else "gt"
        # The first condition lets the database begin in the middle of the index.
        rows = rows.filter(**{f"{by}__{way}e": at}).filter(
            Q(**{f"{by}__{way}": at}) | Q(**{f"pk__{way}": key})
        )
    sign = "-" if newest_first else ""
    found = list(rows.order_by(f"{sign}{by}", f"{sign}pk")[: size + 1])
    more = len(found) > size
    found = found[:size]
    last = f"{getattr(found[-1], by).isoformat()}~{found[-1].pk}" if more else ""
    return Page(rows=found, after=last, is_first=place is None)


def _place(after: str) -> tuple[datetime, UUID] | None:
    """Return what an address says; None for the beginning, and for what says nothing sensible."""
    at, _, key = after.partition("~")
    try:
        moment = datetime.fromisoformat(at.replace(" ", "+"))
        return (moment, UUID(key)) if moment.tzinfo is not None else None
    except ValueError:
        return None
