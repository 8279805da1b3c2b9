"""What a statement reads, by PostgreSQL's own account."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext


def rows_read(look: Callable[[], Any]) -> int:
    """Return how many rows a look's statement reads, those that it drops among them."""
    with CaptureQueriesContext(connection) as seen:
        look()
    (query,) = seen
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")  # a table as small as these is read whole
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query["sql"].replace("%", "%%"))
        (plan,) = cursor.fetchone()
        cursor.execute("RESET enable_seqscan")
    [whole] = plan if isinstance(plan, list) else json.loads(plan)
    return sum(_scanned(whole["Plan"]))


def _scanned(node: dict[str, Any]) -> Iterator[int]:
    if "Relation Name" in node:
        each = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        yield int(each * node["Actual Loops"])
    for below in node.get("Plans", ()):
        yield from _scanned(below)
