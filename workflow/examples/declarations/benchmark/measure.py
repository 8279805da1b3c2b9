"""What is measured, and how: rounds of the engine and of the yardstick by turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from django.db import connection

from workflow.examples.declarations.benchmark.ours import Ours
from workflow.testing.drain import drain

_WARM = 50
_SINGLE = 200
_COUNTED = 500
_RATE = 5.0
_SECONDS = 10.0
_LOOK = 0.001

Tell = Callable[[str], None]


class Side(Protocol):
    """The engine, or the yardstick."""

    def records(self, count: int) -> list[UUID]:
        """Make so many records."""

    def ask_all(self, records: list[UUID]) -> None:
        """Ask for an approval of each."""

    def workers(self, count: int) -> AbstractContextManager[None]:
        """Run workers."""

    def began(self, since: datetime) -> datetime:
        """Return when the first approval asked for since then was taken up."""

    def await_all(self) -> None:
        """Return when all is done."""


@dataclass
class Rates:
    """Transitions a second, of each round."""

    e2e: list[float] = field(default_factory=list)
    drain: list[float] = field(default_factory=list)
    bulk_request: list[float] = field(default_factory=list)


def rounds(
    sides: dict[str, Side], *, n: int, workers: int, times: int, tell: Tell
) -> dict[str, Rates]:
    """Measure both sides so many times by turns, so that a noisy machine is as noisy to both."""
    rates = {name: Rates() for name in sides}
    for number in range(times):
        for name, side in sides.items():
            rates[name].bulk_request.append(_backlog(side, n))
            rates[name].drain.append(_drained(side, n, workers))
            rates[name].e2e.append(_end_to_end(side, n, workers))
            last = rates[name]
            tell(
                f"round {number + 1}, {name}: drain {last.drain[-1]:,.0f}/s,"
                f" end to end {last.e2e[-1]:,.0f}/s, bulk requests {last.bulk_request[-1]:,.0f}/s"
            )
    return rates


def _backlog(side: Side, n: int) -> float:
    records = side.records(n)
    began = time.perf_counter()
    side.ask_all(records)
    return n / (time.perf_counter() - began)


def _drained(side: Side, n: int, workers: int) -> float:
    """Start workers on the backlog; count from the first claim, so that no start-up counts."""
    since = datetime.now(UTC)
    with side.workers(workers):
        side.await_all()
        seconds = (datetime.now(UTC) - side.began(since)).total_seconds()
    return n / seconds


def _end_to_end(side: Side, n: int, workers: int) -> float:
    """Ask while workers run; count from the first request to the last outcome."""
    warm, records = side.records(_WARM), side.records(n)
    with side.workers(workers):
        side.ask_all(warm)
        side.await_all()
        began = time.perf_counter()
        side.ask_all(records)
        side.await_all()
        return n / (time.perf_counter() - began)


def single_requests(ours: Ours) -> float:
    """Return requests a second, one at a time, each with its own commit."""
    records = ours.records(_SINGLE)
    began = time.perf_counter()
    for record in records:
        ours.ask(record)
    return _SINGLE / (time.perf_counter() - began)


def latencies(ours: Ours, *, workers: int) -> tuple[float, float]:
    """Return median and 95th percentile of request to outcome, in ms, at few requests a second."""
    took: list[float] = []
    with ours.workers(workers):
        ours.ask_all(ours.records(_WARM))
        ours.await_all()
        records = ours.records(int(_RATE * _SECONDS))
        time.sleep(1.0)
        start = time.perf_counter()
        for number, record in enumerate(records):
            time.sleep(max(0.0, start + number / _RATE - time.perf_counter()))
            began = time.perf_counter()
            name = ours.ask(record)
            while not ours.is_done(name):
                time.sleep(_LOOK)
            took.append(1000 * (time.perf_counter() - began))
        ours.await_all()
    cuts = statistics.quantiles(took, n=20)
    return cuts[9], cuts[18]


def counted(ours: Ours) -> tuple[float, float]:
    """Return statements and commits for each transition, bulk request included."""
    records = ours.records(_COUNTED)
    with _counting() as count:
        ours.ask_all(records)
        drain(worker="benchmark/1")
    return count["statements"] / _COUNTED, count["commits"] / _COUNTED


@contextmanager
def _counting() -> Iterator[dict[str, int]]:
    count = {"statements": 0, "commits": 0}

    def execute(run, sql, params, many, context):  # type: ignore[no-untyped-def]
        count["statements"] += 1
        if not connection.in_atomic_block and not sql.lstrip("(").upper().startswith("SELECT"):
            count["commits"] += 1
        return run(sql, params, many, context)

    commit = connection.commit

    def counting_commit() -> None:
        count["commits"] += 1
        commit()

    connection.commit = counting_commit  # type: ignore[method-assign]
    try:
        with connection.execute_wrapper(execute):
            yield count
    finally:
        connection.commit = commit  # type: ignore[method-assign]
