"""What a campaign has to tell: for the terminal, as JSON, and as a page for the file."""

from __future__ import annotations

import os
import platform
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from workflow.examples.declarations.campaign.faults.fault import Injected

NEVER_BACK = "kills after which work did not resume in time"


@dataclass(kw_only=True)
class Report:
    """Filled as the campaign goes."""

    database: str
    seed: int
    minutes: float
    """As asked for."""

    began: datetime
    settings: Mapping[str, str]
    lasted: float = 0.0
    """Seconds under load, as it was."""

    drained: float = 0.0
    """Seconds from the last request until nothing was left to do."""

    requests: Counter[str] = field(default_factory=Counter)
    """Answers, by kind."""

    errors: Counter[str] = field(default_factory=Counter)
    """What clients met in place of an answer."""

    transitions: Counter[str] = field(default_factory=Counter)
    """Envelopes, by state."""

    effects: Counter[str] = field(default_factory=Counter)
    """Effects, by state."""

    clients: Counter[str] = field(default_factory=Counter)
    """What clients and operators did that is a trial of its own, by kind."""

    downstream: Counter[str] = field(default_factory=Counter)
    """Calls that went wrong, by kind."""

    injected: list[tuple[str, Injected]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    """Kinds of faults that could not be injected here, and why."""

    counts: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)

    @property
    def fired(self) -> int:
        """Transitions that came about."""
        return self.transitions["fired"]

    @property
    def is_sound(self) -> bool:
        """Whether every count is 0, and all were counted."""
        return bool(self.counts) and not any(count for count, _ in self.counts.values())

    def recoveries(self) -> dict[str, list[float]]:
        """Return the seconds until work was resumed, by kind of kill, in ascending order."""
        found: dict[str, list[float]] = defaultdict(list)
        for kind, each in self.injected:
            if each.recovery is not None:
                found[kind].append(each.recovery)
        return {kind: sorted(seconds) for kind, seconds in sorted(found.items())}

    def too_long(self) -> list[str]:
        """Return the kills after which work took longer to resume than it may."""
        return [
            f"{kind} ({each.detail}): "
            + ("never" if each.recovery is None else f"{each.recovery:.1f} s")
            for kind, each in self.injected
            if each.limit is not None and (each.recovery is None or each.recovery > each.limit)
        ]

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        whole = {
            each.name: dict(value) if isinstance(value, Mapping) else value
            for each in fields(self)
            for value in (getattr(self, each.name),)
        }
        whole["began"] = self.began.isoformat()
        whole["machine"] = machine()
        whole["recovery_seconds"] = self.recoveries()
        whole["is_sound"] = self.is_sound
        whole["injected"] = [{"kind": kind, **asdict(each)} for kind, each in self.injected]
        whole["counts"] = {
            what: {"count": count, "examples": said} for what, (count, said) in self.counts.items()
        }
        return whole

    def as_markdown(self) -> str:
        """Return it as a page."""
        return "\n".join(_page(self)) + "\n"


def machine() -> str:
    """Return what it ran on."""
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}"
    )


def _page(report: Report) -> Iterator[str]:
    yield f"# Campaign on {report.database}, seed {report.seed}"
    yield ""
    kills = [seconds for each in report.recoveries().values() for seconds in each]
    verdict = "All counts are 0." if report.is_sound else "**Not all counts are 0.**"
    yield (
        f"{verdict} {report.fired:,} transitions fired, {len(report.injected):,} faults injected"
        f" in {report.lasted / 60:.1f} minutes under load"
        f" (begun {report.began:%Y-%m-%d %H:%M} UTC; {machine()})."
    )
    if kills:
        yield f"Longest recovery after a single kill: {max(kills):.1f} s."
    settings = ", ".join(f"{name}={value}" for name, value in report.settings.items())
    yield f"Settings that differ from the defaults: {settings}."
    yield from _table("must be 0", {what: count for what, (count, _) in report.counts.items()})
    for what, (count, said) in report.counts.items():
        if count:
            yield f"\n{what}:\n"
            yield from (f"- {each}" for each in said)
    yield from _table("fault injected", Counter(kind for kind, _ in report.injected))
    if report.missing:
        yield ""
        yield from (
            f"- not injected: {kind}, because {why}" for kind, why in report.missing.items()
        )
    yield from _table("tried by clients and operators", report.clients)
    yield from _table("call downstream that went wrong", report.downstream)
    yield from _table("answer to a request", report.requests)
    yield from _table("error that a client met instead", report.errors)
    yield from _table("envelope", report.transitions)
    yield from _table("effect", report.effects)
    yield from _table("row", report.rows)
    yield from _recoveries(report.recoveries())
    yield from (f"\n{each}" for each in report.remarks)


def _table(heading: str, counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        yield ""
        yield f"| {heading} | |"
        yield "|---|---:|"
        yield from (f"| {what} | {count:,} |" for what, count in counts.items())


def _recoveries(found: Mapping[str, list[float]]) -> Iterator[str]:
    if found:
        yield ""
        yield "| seconds until work was resumed after | times | median | longest |"
        yield "|---|---:|---:|---:|"
        for kind, seconds in found.items():
            middle = seconds[len(seconds) // 2]
            yield f"| {kind} | {len(seconds)} | {middle:.1f} | {seconds[-1]:.1f} |"
