"""A log of any size for measurements: `python -m tests.load.big_log EVENTS FILE.csv`.

Declarations go the ways of the public log as often as it does. A thousand of them are under way at
a time, so that a declaration's events lie far apart, as in a log that is sorted by time. The same
number of events gives the same file.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workflow.examples.declarations.demo.walks import NEXT
from workflow.examples.declarations.replay.rows import COLUMNS

_AT_A_TIME = 1000


def events(count: int) -> Iterator[list[str]]:
    """Yield so many rows."""
    chance = random.Random(count)
    choices = {at: (list(ways), list(ways.values())) for at, ways in NEXT.items()}
    begun = datetime(2000, 1, 1, tzinfo=UTC)
    under_way: list[tuple[int, str, int]] = []
    cases = 0
    for number in range(count):
        if len(under_way) < _AT_A_TIME:
            cases += 1
            under_way.append((cases, "", 0))
        place = chance.randrange(len(under_way))
        case, at, done = under_way[place]
        activity = chance.choices(*choices[at])[0]
        if not activity:
            cases += 1
            case, at, done = cases, "", 0
            activity = chance.choices(*choices[at])[0]
        under_way[place] = (case, activity, done + 1)
        yield _row(case, activity, done, begun + timedelta(minutes=number))


def _row(case: int, activity: str, done: int, at: datetime) -> list[str]:
    is_system = activity in ("Request Payment", "Payment Handled")
    return [
        f"declaration {case:09}",
        f"event {case:09}/{done}",
        activity,
        "UNDEFINED" if is_system else activity.rpartition(" by ")[2],
        "SYSTEM" if is_system else "STAFF MEMBER",
        at.isoformat(),
        f"number {case:09}",
        f"budget {case % 500}",
        f"{case % 100_000 / 100:.2f}",
    ]


def main(count: int, path: Path) -> None:
    """Write the file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(events(count))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
