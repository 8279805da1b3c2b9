"""The report of a crash test: for a validation file, as Markdown, or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workflow.definition import Workflow
from workflow.definition.fingerprint import fingerprint
from workflow.testing.crashtest.case import Act, Case, Verdict
from workflow.testing.crashtest.run import Untried
from workflow.testing.provenance import provenance, table


@dataclass(kw_only=True)
class Report:
    """What was tried and what came of it."""

    workflow: Workflow[Any, Any]
    about: dict[str, str] = field(default_factory=provenance)
    cases: list[Case] = field(default_factory=list)
    untried: list[Untried] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    """What is wrong with the database as a whole, after everything."""

    seconds: float = 0.0

    def take(self, found: Case | Untried | str) -> None:
        """Add what `run` yields."""
        match found:
            case Case():
                self.cases.append(found)
            case Untried():
                self.untried.append(found)
            case str():
                self.whole.append(found)

    @property
    def counts(self) -> Counter[Verdict]:
        """How many cases came out how."""
        return Counter(case.verdict for case in self.cases)

    @property
    def is_sound(self) -> bool:
        """Whether something was tried, everything could be, and nothing broke."""
        broken = self.counts[Verdict.BROKEN] + len(self.untried) + len(self.whole)
        return not broken and self.counts[Verdict.OK] > 0

    def sentence(self) -> str:
        """Return the result in one sentence."""
        counts = self.counts
        said = (
            f"{counts[Verdict.OK]:,} cases came out whole, {counts[Verdict.BROKEN]:,} did not;"
            f" {sum(case.deaths for case in self.cases):,} workers were killed"
        )
        if self.untried:
            said += f"; {len(self.untried)} transitions could not be tried"
        if self.whole:
            said += f"; {len(self.whole)} faults in the database as a whole"
        return f"{said}."

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "workflow": self.workflow.key,
            "fingerprint": fingerprint(self.workflow),
            "environment": self.about,
            "sound": self.is_sound,
            "seconds": round(self.seconds, 1),
            "counts": {verdict.value: self.counts[verdict] for verdict in Verdict},
            "deaths": sum(case.deaths for case in self.cases),
            "cases": [case.as_json() for case in self.cases],
            "untried": [vars(each) for each in self.untried],
            "whole": self.whole,
        }

    def markdown(self) -> Iterator[str]:
        """Yield it for a validation file, line by line."""
        about = {
            "workflow": self.workflow.key,
            "fingerprint": f"`{fingerprint(self.workflow)}`",
            **self.about,
            "took": f"{self.seconds:.0f} s",
        }
        yield from (f"# Crash test of {self.workflow.key}", "", *table(about), "")
        yield from (f"**{'Sound' if self.is_sound else 'NOT SOUND'}.** {self.sentence()}", "")
        yield from _HOW
        yield from self._broken()
        for transition in dict.fromkeys(case.transition for case in self.cases):
            yield from self._of(transition)

    def _broken(self) -> Iterator[str]:
        broken = [case for case in self.cases if case.verdict is Verdict.BROKEN]
        if not broken and not self.untried and not self.whole:
            return
        yield from ("## What is wrong", "")
        for untried in self.untried:
            yield f"- `{untried.transition}` could not be tried: {untried.why}"
        for case in broken:
            yield f"- `{case.transition}`, killed at {case.place}, {case.act}:"
            yield from (f"  - {fault}" for fault in case.faults)
        yield from (f"- {fault}" for fault in self.whole)
        yield ""

    def _of(self, transition: str) -> Iterator[str]:
        cases = [case for case in self.cases if case.transition == transition]
        acts = [act for act in Act if any(case.act is act for case in cases)]
        yield from (f"## {transition}", "")
        yield f"| a worker dies at | {' | '.join(f'then {act}' for act in acts)} |"
        yield f"|---|{'---|' * len(acts)}"
        for place in dict.fromkeys(str(case.place) for case in cases):
            cells = {case.act: _cell(case) for case in cases if str(case.place) == place}
            yield f"| {place} | {' | '.join(cells.get(act, '') for act in acts)} |"
        yield ""


def _cell(case: Case) -> str:
    if case.verdict is not Verdict.OK:
        return case.verdict.value
    words = ["ok"]
    words += [case.ended] if case.ended else []
    words += [f"{case.deaths} deaths"] if case.deaths > 1 else []
    words += [f"{case.settled} settled by a person"] if case.settled else []
    words += [case.note if case.note.startswith("not undone") else "refused"] if case.note else []
    return ", ".join(words)


_HOW = (
    "Each case is a record of its own. A worker process takes the transition up and is killed by",
    "SIGKILL at the place; then people act, or not; then other workers recover, time going by as",
    "leases and retries demand. Doubts are settled by what the called systems say they did, by",
    "two people at once, of whom one has to be turned away. Counted afterwards: the request has",
    "come to the end that it comes to undisturbed, or is cancelled; repeated, it is recognised;",
    "the record's chain is unbroken, there is one entry of its firing and one history row, every",
    "claim has its attempt, and each call was carried out once at the system that it went to. At",
    "the end the same is counted over the whole database. *not passed*: the transition does not",
    "come by there, so nothing was tried.",
    "",
)
