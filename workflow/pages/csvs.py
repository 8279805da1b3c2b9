"""Lists as CSV, streamed row by row, so that a million rows take no memory."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

_TOGETHER = 2000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula, and would run what a stranger wrote."""


class _Echo:
    """A file whose `write` gives back what it is given."""

    def write(self, text: str) -> str:
        return text


def export(
    *,
    rows: QuerySet[Any],
    head: Sequence[str],
    line: Callable[[Any], Sequence[object]],
    name: str,
) -> StreamingHttpResponse:
    """Return the rows as a download."""

    def lines() -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield "\ufeff" + writer.writerow(head)
        for row in rows.iterator(chunk_size=_TOGETHER):
            yield writer.writerow([cell(value) for value in line(row)])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def cell(value: object) -> str:
    """Return a value as text that no spreadsheet runs."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
