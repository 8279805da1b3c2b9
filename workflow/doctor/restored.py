"""What was found after a restore, for people and for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workflow.doctor.restore import Standing, Stranger, Trace

_SHOWN = 50
_WORDS = {
    Standing.THERE: "the downstream has it, the database does not",
    Standing.UNTOLD: "asked, and no answer",
    Standing.PERSON: "cannot be asked; somebody has to look",
    Standing.NOT_ASKED: "can be asked, and was not",
}
_FINE = {
    Standing.SAFE: "may be sent again under their keys, which their downstreams honour.",
    Standing.ABSENT: "are not known downstream.",
}


@dataclass(kw_only=True)
class Restored:
    """Everything that may have happened without this database knowing."""

    to: datetime
    tally: Counter[Standing] = field(default_factory=Counter)
    traces: list[Trace] = field(default_factory=list)
    """Those that somebody should read: neither safe nor absent."""

    strangers: Sequence[Stranger] = ()
    blind: int = 0
    """Calls that would be sent without a question."""

    doubted: int = 0
    """How many of them were put in doubt."""

    @property
    def is_clear(self) -> bool:
        """Whether workers may start as they are."""
        return not self.traces and not self.strangers and self.blind == self.doubted

    def take(self, trace: Trace) -> None:
        """Count a trace, and keep it if somebody should read it."""
        self.tally[trace.standing] += 1
        if trace.standing not in _FINE:
            self.traces.append(trace)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "restored_to": self.to.isoformat(),
            "counts": {standing.value: self.tally[standing] for standing in Standing},
            "calls": [trace.as_json() for trace in self.traces],
            "unknown_keys": [vars(each) for each in self.strangers],
            "would_be_sent_blindly": self.blind,
            "put_in_doubt": self.doubted,
        }

    def lines(self) -> Iterator[str]:
        """Yield it for people."""
        yield from self._of_calls()
        yield from self._of_keys()
        if self.doubted:
            yield f"{self.doubted:,} calls were put in doubt; none of them is sent blindly."
        elif self.blind:
            yield (
                f"{self.blind:,} calls would be sent without a question; --repair puts them in"
                " doubt."
            )

    def _of_calls(self) -> Iterator[str]:
        for standing, words in _WORDS.items():
            some = [trace for trace in self.traces if trace.standing is standing]
            if some:
                yield f"{len(some):,} calls: {words}"
            yield from (_line(trace) for trace in some[:_SHOWN])
        for standing, words in _FINE.items():
            if self.tally[standing]:
                yield f"{self.tally[standing]:,} calls {words}"

    def _of_keys(self) -> Iterator[str]:
        for stranger in self.strangers[:_SHOWN]:
            yield f"  {stranger.key}: the database lacks {stranger.lacks}"
        if self.strangers:
            yield f"{len(self.strangers):,} keys of the downstream's list are not done here."


def _line(trace: Trace) -> str:
    parts = [trace.reference, trace.transition, trace.channel, trace.key]
    parts += ["(no row)"] if not trace.is_planned else []
    parts += [trace.told] if trace.told else []
    parts += [json.dumps(trace.receipt)] if trace.receipt else []
    return f"  {'  '.join(parts)}"
