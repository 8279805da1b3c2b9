"""What is tried: one death at one place, and what people do before anybody recovers."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from workflow.engine.boundary import Boundary


class Act(enum.StrEnum):
    """What happens between the death and the recovery."""

    NONE = "nothing"
    REPEAT = "asked again"
    """The caller got no answer, and sends the same request again, twice."""

    CANCEL = "cancelled"
    PAUSE = "paused, lifted"
    """The workflow is paused, workers come and find nothing to begin, the pause is lifted."""

    RETRY = "killed until parked, retried"
    """Deaths use up the attempts; two people set it going again."""


class Verdict(enum.StrEnum):
    """How a case came out."""

    OK = "ok"
    NOT_PASSED = "not passed"
    """The transition does not come by that boundary: nothing was tried there."""

    BROKEN = "BROKEN"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a worker dies."""

    boundary: Boundary
    time: int = 1
    """The first, second ... time that the transition passes it."""

    after: Boundary | None = None
    """An earlier worker has died there, and left what this one takes over."""

    def __str__(self) -> str:
        """Return it in words."""
        words = str(self.boundary)
        if self.time > 1:
            words += f" (pass {self.time})"
        if self.after is not None:
            words += f" after a death at {self.after}"
        return words


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case, and what came of it."""

    transition: str
    place: Place
    act: Act
    verdict: Verdict
    ended: str = ""
    """State of the envelope, and the record's status."""

    deaths: int = 0
    settled: int = 0
    """Doubts that a person settled, each by two people at once, of whom one won."""

    note: str = ""
    faults: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            **vars(self),
            "place": str(self.place),
            "boundary": self.place.boundary.value,
            "act": self.act.value,
            "verdict": self.verdict.value,
            "faults": list(self.faults),
        }


STRAIGHT = tuple(
    each
    for each in Boundary
    if each.partition(".")[0] not in ("rescue", "undo", "ripen")  # what an undisturbed one passes
)

RESCUES = tuple(
    Place(boundary=boundary, after=after)
    for after in (Boundary.CLAIM_COMMITTED, Boundary.INTENT_COMMITTED)
    for boundary in (Boundary.RESCUE_WRITTEN, Boundary.RESCUE_COMMITTED)
)

UNDOS = tuple(
    Place(boundary=boundary, after=Boundary.OUTCOME_COMMITTED)
    for boundary in (Boundary.UNDO_WRITTEN, Boundary.UNDO_COMMITTED)
)

RIPENINGS = (Place(boundary=Boundary.RIPEN_WRITTEN), Place(boundary=Boundary.RIPEN_COMMITTED))
