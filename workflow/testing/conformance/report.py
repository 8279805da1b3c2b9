"""The report of a conformance run: for a validation file, as Markdown, or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workflow.testing.conformance.run import Result, Verdict
from workflow.testing.provenance import provenance, table


@dataclass(kw_only=True)
class Report:
    """What was tried and what came of it."""

    about: dict[str, str] = field(default_factory=provenance)
    results: list[Result] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def counts(self) -> Counter[Verdict]:
        """How many checks came out how."""
        return Counter(result.verdict for result in self.results)

    @property
    def is_sound(self) -> bool:
        """Whether everything held that was needed."""
        return not self.counts[Verdict.FAILED] and self.counts[Verdict.HELD] > 0

    def sentence(self) -> str:
        """Return the result in one sentence."""
        counts = self.counts
        return (
            f"{counts[Verdict.HELD]} checks held, {counts[Verdict.FAILED]} failed,"
            f" {counts[Verdict.NOT_NEEDED]} are not needed here."
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "environment": self.about,
            "sound": self.is_sound,
            "seconds": round(self.seconds, 1),
            "counts": {verdict.value: self.counts[verdict] for verdict in Verdict},
            "checks": [result.as_json() for result in self.results],
        }

    def markdown(self) -> Iterator[str]:
        """Yield it for a validation file, line by line."""
        about = {**self.about, "took": f"{self.seconds:.0f} s"}
        yield from (f"# Conformance of {self.about['database']}", "", *table(about), "")
        yield from (f"**{'Sound' if self.is_sound else 'NOT SOUND'}.** {self.sentence()}", "")
        yield "| check | what is relied on | invariant | result | |"
        yield "|---|---|---|---|---|"
        for each in self.results:
            told = " ".join(each.told.replace("|", "\\|").split())
            yield (
                f"| {each.check.name} | {each.check.promise} | {each.check.invariant}"
                f" | {each.verdict} | {told} |"
            )
