"""What has happened to a declaration, from its audit trail, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.models import Entry
from audit.personal import revealed
from workflow.definition import registry
from workflow.engine.trail import Action
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.statuses import Status

_WORDS: Mapping[str, str] = {
    Action.STARTED: "started",
    Action.REQUESTED: "asked for",
    Action.REPEATED: "asked again (counts once)",
    Action.CONFLICT: "same id, other content: turned away",
    Action.REFUSED: "refused",
    Action.FIRED: "done",
    Action.RETRIED: "failed, will be tried again",
    Action.INTERRUPTED: "interrupted, will be tried again",
    Action.DIED: "worker died, will be tried again",
    Action.PARKED: "set aside for a person",
    Action.FAILED: "failed for good",
    Action.LATE: "a late worker wrote nothing",
    Action.RESUMED: "resumed",
    Action.CANCELLED: "cancelled",
}


_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry of the trail, for people."""

    at: datetime
    actor: str
    what: str
    old: str
    new: str
    reason: str
    refusals: tuple[str, ...]


def happened(declaration: Declaration) -> list[Line]:
    """Return the trail of a declaration, the newest entry first, back to a bound."""
    record = declaration.record
    if record is None:
        return []
    labels = {each.name: each.label for each in registry.latest(record.workflow).transitions}
    entries = Entry.objects.filter(chain=record.pk).order_by("-sequence")[:_SHOWN]
    return [_line(entry, labels) for entry in revealed(entries)]


def _line(entry: Entry, labels: Mapping[str, str]) -> Line:
    evidence: dict[str, Any] = json.loads(entry.evidence) if entry.evidence else {}
    transition = evidence.get("transition", "")
    label = labels.get(transition, transition)
    words = _WORDS.get(entry.action, entry.action)
    return Line(
        at=entry.at,
        actor=entry.actor,
        what=f"{label}: {words}" if label else words.capitalize(),
        old=_status(entry.old),
        new=_status(entry.new),
        reason=entry.reason,
        refusals=tuple(
            finding["message"]
            for finding in evidence.get("findings", ())
            if not finding.get("held", True)
        ),
    )


def _status(value: str) -> str:
    return Status(value).label if value in Status.values else value
