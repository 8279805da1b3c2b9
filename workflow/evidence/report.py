"""The readable part of a bundle: one HTML page without any other file, made to be printed.

It is for reading. What proves it lies beside it, and `verify.py` checks that; the page says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from django.template import Context, Engine

from audit.models import Entry
from audit.personal import revealed
from workflow.definition import registry
from workflow.evidence.subject import Told
from workflow.models import Signature, TransitionEnvelope

_PAGE = files("workflow.evidence").joinpath("page")

HEAD = _PAGE.joinpath("head.html").read_text(encoding="utf-8")
FOOT = _PAGE.joinpath("foot.html").read_text(encoding="utf-8")

_SHOWN_BEFORE = {
    *("transition", "findings", "signature", "workflow", "reference"),
    *("digest", "snapshot", "fence", "definition"),
}
"""Parts of the evidence that have a place of their own, or are for machines."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry as it is read."""

    sequence: int
    at: datetime
    actor: str
    what: str
    old: str
    new: str
    reason: str
    findings: tuple[Mapping[str, Any], ...]
    details: tuple[tuple[str, str], ...]
    signature: Mapping[str, str] | None
    digest: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """One field that one row of the history changed."""

    at: str
    by: str
    transition: str
    field: str
    old: str
    new: str


def section(told: Told, *, with_personal: bool) -> str:
    """Return the part of the page about one record."""
    labels = _labels(told)
    entries = revealed(told.entries) if with_personal else told.entries
    context = {
        "chain": told.chain,
        "record": told.record,
        "lines": [_line(entry, labels) for entry in entries],
        "requests": [
            (
                envelope,
                labels.get(envelope.transition, envelope.transition),
                *_asked(told, envelope),
            )
            for envelope in told.envelopes
        ],
        "changes": list(_changes(told, labels)),
    }
    return str(_template().render(Context(context)))


@cache
def _template() -> Any:
    return Engine(autoescape=True).from_string(
        _PAGE.joinpath("record.html").read_text(encoding="utf-8")
    )


def _labels(told: Told) -> dict[str, str]:
    """Return the labels of transitions, the newest version's last."""
    workflow = None if told.record is None else told.record.workflow
    return {
        transition.name: transition.label
        for definition in registry.everything()
        if definition.name == workflow
        for transition in definition.transitions
    }


def _line(entry: Entry, labels: Mapping[str, str]) -> Line:
    evidence = _evidence(entry)
    transition = str(evidence.get("transition", ""))
    label = labels.get(transition, transition)
    details = {key: value for key, value in evidence.items() if key not in _SHOWN_BEFORE}
    return Line(
        sequence=entry.sequence,
        at=entry.at,
        actor=entry.actor,
        what=f"{label}: {entry.action}" if label else entry.action,
        old=entry.old,
        new=entry.new,
        reason=entry.reason,
        findings=tuple(
            {**finding, "name": str(finding.get("guard", "")).replace("_", " ")}
            for finding in evidence.get("findings", ())
        ),
        details=tuple((key, _text(value)) for key, value in sorted(details.items())),
        signature=evidence.get("signature"),
        digest=entry.digest,
    )


def _evidence(entry: Entry) -> dict[str, Any]:
    """Return the evidence; what is no JSON object any more is shown as it is."""
    if not entry.evidence:
        return {}
    try:
        found = json.loads(entry.evidence)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"unreadable": entry.evidence}


def _asked(
    told: Told, envelope: TransitionEnvelope
) -> tuple[list[tuple[str, str]], Signature | None]:
    payload = envelope.payload if isinstance(envelope.payload, dict) else {"": envelope.payload}
    return (
        [(name, _text(value)) for name, value in sorted(payload.items())],
        told.signatures.get(envelope.pk),
    )


def _changes(told: Told, labels: Mapping[str, str]) -> Iterator[Change]:
    by_id = {
        envelope.pk.hex: (
            envelope.actor_label,
            labels.get(envelope.transition, envelope.transition),
        )
        for envelope in told.envelopes
    }
    before: dict[str, Any] = {}
    for row in told.history:
        now = json.loads(row["snapshot"])
        by, transition = by_id.get(
            row["transition_id"], (f"user {row['by']}" * bool(row["by"]), "")
        )
        for field in sorted(now):
            if now[field] != before.get(field) and (before or now[field] not in (None, "")):
                yield Change(
                    at=row["at"],
                    by=by,
                    transition=transition,
                    field=field.replace("_", " "),
                    old=_text(before.get(field)),
                    new=_text(now[field]),
                )
        before = now


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
