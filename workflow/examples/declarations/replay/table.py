"""The report as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workflow.examples.declarations.replay.report import Report
from workflow.models import State

_SHOWN = 50
"""Lines of one list; the machine-readable table has all of them."""


def table(report: Report) -> Iterator[str]:
    """Yield the lines of the table."""
    refused = report.states.get(State.REFUSED, 0)
    yield from _number("events requested", report.requested)
    yield from _number("requests sent, copies included", report.sent)
    yield from _number("fired", report.states.get(State.FIRED, 0))
    yield from _number("deduplicated", report.deduplicated)
    yield from _number("refused", refused)
    for code, count in report.refused.items():
        yield from _number(f"  {code}", count)
    for state, count in report.states.items():
        if state not in (State.FIRED, State.REFUSED):
            yield from _number(_WORDS.get(state, state), count)
    yield from _number("parked or failed", _stuck(report))
    yield from _number("broken rows, left out", len(report.broken))
    if report.repeated_rows:
        yield from _number("rows that repeat another word for word", report.repeated_rows)
    yield from _number("declarations", report.cases)
    yield from _number("  that end as the log ends", report.equal)
    yield from _number("  that end otherwise", len(report.differing))
    yield from _list(
        "Declarations that end otherwise",
        [
            f"{each.case}: the log ends in {each.expected}, here {each.actual}. {each.why}"
            for each in report.differing
        ],
    )
    yield from _list("Events that did not fire", [str(each) for each in report.not_fired])
    yield from _list("Broken rows", report.broken)


_WORDS = {
    "unsent": "not sent",
    "unwritten": "turned away unwritten",
    State.WAITING: "still waiting",
    State.RUNNING: "still running",
}


def _stuck(report: Report) -> int:
    return report.states.get(State.PARKED, 0) + report.states.get(State.FAILED, 0)


def _number(what: str, count: int) -> Iterator[str]:
    yield f"{what:<40}{count:>12,}"


def _list(title: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    yield ""
    yield f"{title} ({len(lines):,}):"
    yield from (f"  {line}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"  ... and {len(lines) - _SHOWN:,} more; --json FILE writes all of them"
