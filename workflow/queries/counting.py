"""Counts that cost no more than the page that shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

ENOUGH = 10_000
"""Past this, a page says "more than"."""


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many; exact up to a bound."""

    number: int
    is_bounded: bool = False
    """Whether there are more than the number says."""

    def __str__(self) -> str:
        """Return the number as shown."""
        return f"{self.number:,}+" if self.is_bounded else f"{self.number:,}"

    def __bool__(self) -> bool:
        return self.number > 0


def count(rows: QuerySet[Any], *, at_most: int = ENOUGH) -> Count:
    """Count rows in one statement that reads no more than the bound."""
    found = rows.order_by().values("pk")[: at_most + 1].count()
    return Count(number=min(found, at_most), is_bounded=found > at_most)
