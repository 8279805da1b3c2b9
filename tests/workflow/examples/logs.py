"""Small logs for tests."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from workflow.examples.declarations.replay.rows import COLUMNS

S = "Declaration SUBMITTED by EMPLOYEE"
C = "Declaration APPROVED by ADMINISTRATION"
F = "Declaration FINAL_APPROVED by SUPERVISOR"
R = "Request Payment"
P = "Payment Handled"
B = "Declaration REJECTED by EMPLOYEE"
J = "Declaration REJECTED by ADMINISTRATION"
V = "Declaration SAVED by EMPLOYEE"

Row = dict[str, str]


def rows(case: str, activities: Iterable[str], **changes: str) -> list[Row]:
    """Return a case's rows, in order, a day apart."""
    return [
        {
            "case_id": case,
            "event_id": f"{case}/{place}",
            "activity": activity,
            "role": "UNDEFINED" if activity in (R, P) else activity.rpartition(" by ")[2],
            "resource": "SYSTEM" if activity in (R, P) else "STAFF MEMBER",
            "occurred_at": f"2017-01-{place + 1:02}T09:00:00.000+01:00",
            "declaration_number": f"number of {case}",
            "budget_number": "budget 1",
            "amount": "26.85120450862128",
            **changes,
        }
        for place, activity in enumerate(activities)
    ]


def write(path: Path, some: Iterable[Row], columns: Sequence[str] = COLUMNS) -> Path:
    """Write a log and return its path."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(some)
    return path


def usual(cases: int) -> list[Row]:
    """Return so many declarations, each going one of five usual ways."""
    ways = ([S, F, R, P], [S, C, F, R, P], [S, J, B, S, C, F, R, P], [V], [S, J, B])
    return [row for index in range(cases) for row in rows(f"case {index}", ways[index % 5])]
