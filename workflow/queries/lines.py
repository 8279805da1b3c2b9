"""Entries of the trail in words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.models import Entry
from workflow.engine.trail import Action
from workflow.queries import names
from workflow.queries.wording import told

_WORDS: dict[str, Any] = {
    Action.STARTED: gettext_lazy("Record started"),
    Action.REQUESTED: gettext_lazy("Asked for"),
    Action.REPEATED: gettext_lazy("Asked again with the same id; counts once"),
    Action.CONFLICT: gettext_lazy("Same id with other content; turned away"),
    Action.REFUSED: gettext_lazy("Refused"),
    Action.FIRED: gettext_lazy("Done"),
    Action.RETRIED: gettext_lazy("Attempt failed; will be tried again"),
    Action.INTERRUPTED: gettext_lazy("Attempt interrupted; will be tried again"),
    Action.DIED: gettext_lazy("Worker died; will be tried again"),
    Action.PARKED: gettext_lazy("Parked for a person"),
    Action.FAILED: gettext_lazy("Failed for good"),
    Action.LATE: gettext_lazy("A late worker came back and wrote nothing"),
    Action.RESUMED: gettext_lazy("Set going again"),
    Action.CANCELLED: gettext_lazy("Cancelled"),
    Action.CALLING: gettext_lazy("Guards consent; calls downstream first"),
    Action.CANCELLING: gettext_lazy("Cancelling; what was done is taken back"),
    Action.UNDOING: gettext_lazy("Taking back"),
    Action.EFFECT_DONE: gettext_lazy("Call done"),
    Action.EFFECT_PENDING: gettext_lazy("Call accepted downstream, not finished"),
    Action.EFFECT_RETRIED: gettext_lazy("Call failed; will be tried again"),
    Action.EFFECT_CHECKING: gettext_lazy("Call in doubt; downstream will be asked"),
    Action.EFFECT_ABSENT: gettext_lazy("Call did not happen; will be sent"),
    Action.EFFECT_UNSENT: gettext_lazy("Call handed back unsent"),
    Action.EFFECT_DECLINED: gettext_lazy("Downstream declined"),
    Action.EFFECT_IN_DOUBT: gettext_lazy("Call in doubt; a person settles it"),
    Action.EFFECT_PARKED: gettext_lazy("Call failed; a person decides"),
    Action.EFFECT_RESUMED: gettext_lazy("Call set going again"),
    Action.EFFECT_ABANDONED: gettext_lazy("Call given up"),
    Action.EFFECT_LATE: gettext_lazy("A late worker came back from a call and wrote nothing"),
    Action.DENIED: gettext_lazy("Attempt denied"),
    Action.REVEALED: gettext_lazy("Personal data shown"),
    Action.MENDED: gettext_lazy("Set right by the doctor"),
    Action.REDACTED: gettext_lazy("Personal value erased from the trail"),
    Action.ADOPTED: gettext_lazy("Adopted from history"),
    Action.RECONSTRUCTED: gettext_lazy("Reconstructed from history"),
}

_BAD = (
    Action.PARKED,
    Action.FAILED,
    Action.EFFECT_IN_DOUBT,
    Action.EFFECT_PARKED,
)
_LATER = (
    Action.RETRIED,
    Action.DIED,
    Action.INTERRUPTED,
    Action.EFFECT_RETRIED,
    Action.EFFECT_CHECKING,
    Action.EFFECT_DECLINED,
)
"""A delay that goes on by itself."""

_QUIET = (
    Action.REPEATED,
    Action.CONFLICT,
    Action.REFUSED,
    Action.LATE,
    Action.CANCELLED,
    Action.EFFECT_LATE,
    Action.EFFECT_UNSENT,
)
_PEOPLES = (
    Action.RESUMED,
    Action.CANCELLING,
    Action.CANCELLED,
    Action.DENIED,
    Action.REVEALED,
    Action.REDACTED,
)


@dataclass(frozen=True, kw_only=True)
class Held:
    """One guard's answer as it was stored with the decision."""

    guard: str
    held: bool
    required: str
    actual: str
    message: str
    """In the language of the reader, where a catalogue has it."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry for people."""

    sequence: int
    """Place in the chain; 0 for what is not in it."""

    at: datetime
    action: str
    words: str
    actor: str
    reason: str = ""
    old: str = ""
    new: str = ""
    detail: str = ""
    findings: tuple[Held, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    times: int = 1
    """How many entries in a row said the same; this is the last of them."""

    @property
    def tone(self) -> str:
        """How it is coloured: good, bad, warn, quiet or plain."""
        if self.action == Action.FIRED:
            return "good"
        if self.action in _BAD:
            return "bad"
        if self.action in _LATER:
            return "warn"
        return "quiet" if self.action in _QUIET else "plain"

    @property
    def is_act(self) -> bool:
        """Whether a person did it to the envelope, as opposed to asking for it."""
        return self.action in _PEOPLES or self.evidence.get("kind") == "person"

    @property
    def effect(self) -> str:
        """Name of the downstream call that it speaks of; empty if it speaks of none."""
        return names.call(str(self.evidence.get("effect", "")))

    @property
    def refusals(self) -> tuple[Held, ...]:
        """The guards that said no."""
        return tuple(each for each in self.findings if not each.held)

    @classmethod
    def of_correction(cls, *, at: datetime, actor: str, reason: str) -> Line:
        """Return the line of a change of fields that no transition made."""
        return cls(
            sequence=0,
            at=at,
            action="corrected",
            words=_("Fields corrected"),
            actor=actor,
            reason=reason,
        )


def line_of(entry: Entry, *, workflow: str) -> Line:
    """Return an entry as a line; an action that this release does not know keeps its name."""
    evidence: dict[str, Any] = json.loads(entry.evidence) if entry.evidence else {}
    words = _WORDS.get(entry.action)
    findings = tuple(_held(each) for each in evidence.get("findings", ()))
    refused = " ".join(each.message for each in findings if not each.held)
    return Line(
        sequence=entry.sequence,
        at=entry.at,
        action=entry.action,
        words=str(words) if words else entry.action.replace("_", " ").capitalize(),
        actor=names.actor(entry.actor),
        reason=entry.reason,
        old=names.status(workflow, entry.old),
        new=names.status(workflow, entry.new),
        detail=refused or told(str(evidence.get("message", ""))),
        findings=findings,
        evidence=evidence,
    )


def _held(finding: dict[str, Any]) -> Held:
    return Held(
        guard=str(finding.get("guard", "")).replace("_", " "),
        held=bool(finding.get("held")),
        required=str(finding.get("required", "")),
        actual=str(finding.get("actual", "")),
        message=told(
            str(finding.get("message", "")),
            template=str(finding.get("template", "")),
            facts=finding.get("facts"),
        ),
    )


def folded(lines: Iterable[Line]) -> list[Line]:
    """Return lines in which several in a row that say the same are one, with their number."""
    found: list[Line] = []
    for line in lines:
        before = found[-1] if found else None
        if before is not None and _same(before, line):
            found[-1] = replace(line, times=before.times + 1)
        else:
            found.append(line)
    return found


def _same(one: Line, other: Line) -> bool:
    return (one.action, one.detail, one.actor, one.reason, one.effect) == (
        other.action,
        other.detail,
        other.actor,
        other.reason,
        other.effect,
    )
