"""The table that accounts for every row of a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflow.models import BackfillRun, Fault


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of a source's rows."""

    rows: int
    counts: Mapping[str, int]
    seconds: float
    run: str = ""
    """Id of the run; empty for a dry one."""

    state: str = ""

    @property
    def accounted(self) -> int:
        """Rows whose fate is known."""
        kinds = ("adopted", "anomaly", "known", "repeated", "rejected", "ignored", "left")
        return sum(count for name, count in self.counts.items() if name.partition(".")[0] in kinds)

    def of(self, kind: str) -> dict[str, int]:
        """Return the counts of a kind, such as `anomaly`, by code, the most frequent first."""
        found = {
            name.partition(".")[2]: count
            for name, count in self.counts.items()
            if name.startswith(f"{kind}.")
        }
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))

    def total(self, kind: str) -> int:
        """Return how many there are of a kind."""
        return self.counts.get(kind, 0) + sum(self.of(kind).values())

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the table as a JSON object."""
        return {
            "run": self.run,
            "state": self.state,
            "rows": self.rows,
            "accounted": self.accounted,
            "adopted": self.total("adopted"),
            "anomalies": self.of("anomaly"),
            "rejected": self.of("rejected"),
            "known": self.total("known"),
            "repeated": self.total("repeated"),
            "ignored": self.total("ignored"),
            "left": self.total("left"),
            "records": self.of("records"),
            "moves": self.total("moves"),
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.rate, 1),
        }


def of_run(run: BackfillRun) -> Report:
    """Return the table of a run as it stands."""
    return Report(
        rows=run.rows or 0,
        counts=run.counts,
        seconds=run.seconds,
        run=str(run.pk),
        state=run.state,
    )


def table(report: Report) -> Iterator[str]:
    """Yield the lines of the table."""
    yield _line("rows of the source", report.rows)
    yield _line("  adopted as they are", report.total("adopted"))
    yield from _by_code("  adopted as anomalies", report.of("anomaly"))
    yield from _by_code("  rejected", report.of("rejected"))
    yield _line("  known from an earlier run", report.total("known"))
    yield _line("  repeating another row word for word", report.total("repeated"))
    yield _line("  left out by the mapping", report.total("ignored"))
    yield _line("  left for later, a transition is in flight", report.total("left"))
    yield _line("accounted for", report.accounted)
    yield ""
    records = report.of("records")
    yield _line("records new here", records.get("new", 0))
    yield _line("records whose past was completed", records.get("continued", 0))
    yield _line("  moves of records adopted earlier", report.total("moves"))
    if report.seconds:
        yield f"{report.seconds:.1f} s, {report.rate:,.0f} rows/s"


def _by_code(what: str, counts: Mapping[str, int]) -> Iterator[str]:
    yield _line(what, sum(counts.values()))
    for code, count in counts.items():
        yield _line(f"    {Fault(code).label[:50]} ({code})", count)


def _line(what: str, count: int) -> str:
    return f"{what:<66}{count:>12,}"
