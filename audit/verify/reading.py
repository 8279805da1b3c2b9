"""Reading tables in the order of chains: in pages by key, so that memory stays flat.

No cursor is held open over a page, so nothing is locked, no snapshot is kept from clean-up, and
the reading can begin anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, Value

from audit.canonical import SAID
from audit.models import Entry, SealedHead

PAGE = 5_000

Row = tuple[Any, ...]

ENTRY = (*SAID, "digest")
"""Columns of an entry's row; chain and sequence come first."""

HEAD = ("chain", "seal_id", "sequence", "digest", "since")
"""Columns of a sealed head's row."""


def entries(*, after: UUID | None = None) -> Iterator[Row]:
    """Yield all entries after a chain, by chain and place."""
    return _paged(Entry.objects.all(), ENTRY, after)


def entries_of(chain: UUID) -> Iterator[Row]:
    """Yield the entries of one chain, by place."""
    return _paged_within(Entry.objects.all(), ENTRY, chain, place=-1)


def heads(*, after: UUID | None = None) -> Iterator[Row]:
    """Yield all sealed heads after a chain, by chain and seal."""
    return _paged(SealedHead.objects.all(), HEAD, after)


def heads_of(chain: UUID) -> list[Row]:
    """Return the sealed heads of one chain, by seal."""
    return list(SealedHead.objects.filter(chain=chain).order_by("seal").values_list(*HEAD))


class Groups:
    """Rows in the order of chains, taken chain by chain."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._groups = groupby(rows, key=itemgetter(0))
        self.chain: UUID | None = None
        """Whose rows come next; None at the end."""

        self._rows: Iterator[Row] = iter(())
        self._advance()

    def take(self, chain: UUID) -> Iterator[Row]:
        """Yield the rows of a chain, if it is the next one; use them up before taking others."""
        if self.chain != chain:
            return
        yield from self._rows
        self._advance()

    def _advance(self) -> None:
        self.chain, self._rows = next(self._groups, (None, iter(())))


def _paged(queryset: QuerySet[Any], columns: tuple[str, ...], after: UUID | None) -> Iterator[Row]:
    last: Row | None = None
    while True:
        page: list[Row] = []
        if last is not None:
            page = list(_page_within(queryset, columns, last[0], last[1]))
            after = last[0]
        if len(page) < PAGE:
            rest = queryset if after is None else queryset.filter(chain__gt=after)
            ordered = rest.order_by(*columns[:2]).values_list(*columns)
            page += ordered[: PAGE - len(page)]
        if not page:
            return
        yield from page
        last = page[-1]


def _paged_within(
    queryset: QuerySet[Any], columns: tuple[str, ...], chain: UUID, place: int
) -> Iterator[Row]:
    while page := list(_page_within(queryset, columns, chain, place)):
        yield from page
        place = page[-1][1]


def _page_within(
    queryset: QuerySet[Any], columns: tuple[str, ...], chain: UUID, place: int
) -> QuerySet[Any, Row]:
    # As it was read: an integer's column in SQLite holds whatever somebody put there, and a 3.5
    # that became a 3 on the way would be read for ever.
    some = queryset.filter(**{"chain": chain, f"{columns[1]}__gt": Value(place)})
    return some.order_by(columns[1]).values_list(*columns)[:PAGE]
