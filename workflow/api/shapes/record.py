"""Records: where they stand, what the trail says of them, what may become of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema

from workflow.api.problems import Told, told
from workflow.api.shapes import addresses
from workflow.api.shapes.base import Body, Name, Reason, Standing
from workflow.models import Record
from workflow.queries.lines import Line
from workflow.queries.options import Option
from workflow.queries.timeline import Step


class RecordLinks(Schema):
    """Where to read on."""

    self: str
    trail: str
    page: str


class RecordShape(Schema):
    """Where a record stands."""

    id: UUID
    workflow: str
    reference: str
    status: str
    version: int
    status_since: datetime
    created_at: datetime
    last_transition: UUID | None
    links: RecordLinks


class FieldShape(Schema):
    """One field of the domain object."""

    name: str
    label: str
    value: str
    is_hidden: bool = Field(description="Personal: reveal it with a reason, if you may.")


class DriftShape(Schema):
    """Something that the record has, and its trail or history does not explain."""

    what: str
    name: str
    told: str = Field(description="What trail or history say.")
    found: str = Field(description="What is there.")


class LastEntry(Schema):
    """What the trail last said about the status."""

    sequence: int
    at: datetime
    action: str
    status: str
    transition_id: UUID | None
    digest: str


class RecordDetail(RecordShape):
    """With its fields, and joined to its trail."""

    standing: Standing
    in_flight: str | None = Field(description="Address of the transition that holds its slot.")
    fields: list[FieldShape]
    trail: LastEntry | None = Field(description="The entry that put it where it stands.")
    drift: list[DriftShape] = Field(
        description="Where state and trail disagree; empty as it should be."
    )


class Finding(Schema):
    """One guard's answer."""

    guard: str
    held: bool
    required: str
    actual: str
    message: str


class EntryShape(Schema):
    """One entry of the trail."""

    sequence: int
    at: datetime
    action: str
    words: str
    actor: str
    reason: str
    old: str
    new: str
    transition_id: UUID | None
    correlation_id: str
    evidence: dict[str, Any]
    previous: str
    digest: str


class StepShape(Schema):
    """One request with all that followed from it, or one thing that needed none."""

    at: datetime
    label: str
    actor: str
    reason: str
    transition_id: UUID | None
    correlation_id: str
    state: str | None
    code: str
    lines: list[str]
    changes: list[dict[str, str]]
    attempts: list[str]
    effects: list[str]


class Timeline(Schema):
    """A page of a record's history, the newest first."""

    items: list[StepShape]
    next: int | None = Field(description="Send as `before` for what is older; null at the end.")


class Send(Schema):
    """One call that a transition would make."""

    effect: str
    channel: str
    when: str
    request: Any
    problem: str


class OptionShape(Schema):
    """One transition as it stands for who asks."""

    transition: str
    label: str
    target: str
    answer: str = Field(description="would_fire, would_refuse, denied or occupied.")
    needs_reason: bool
    fields: list[str] = Field(description="What its payload takes.")
    refusals: list[Told]
    findings: list[Finding]
    changes: list[dict[str, str]]
    sends: list[Send]
    problem: str


class Explanation(Schema):
    """Why, and why not: every transition that leaves the status."""

    record: UUID
    status: str
    version: int
    options: list[OptionShape]


class Trial(Body):
    """A dry run."""

    transition: Name
    payload: dict[str, Any] | None = Field(
        None, description="What would be filled in; null: nothing is said of that yet."
    )


class Reveal(Body):
    """Why somebody looks at personal data; it is entered in the trail."""

    reason: Reason


class AsOfShape(Schema):
    """A record as it was."""

    record: UUID
    at: datetime
    status: str
    version: int
    since: datetime
    transition_id: UUID | None
    sequence: int = Field(description="The entry of the trail that says so.")
    fields: dict[str, str | None] = Field(description="Personal fields are hidden.")


def record_of(record: Record) -> dict[str, Any]:
    """Return a record as `RecordShape`."""
    here = addresses.of_record(record.pk)
    names = ("workflow", "reference", "status", "version", "status_since", "created_at")
    return {
        "id": record.pk,
        "last_transition": record.last_transition_id,
        "links": {
            "self": here,
            "trail": f"{here}/trail",
            "page": addresses.record_page(record.pk),
        },
        **{name: getattr(record, name) for name in names},
    }


def step_of(step: Step) -> dict[str, Any]:
    """Return a step of the timeline."""
    envelope = step.envelope
    return {
        "at": step.at,
        "label": step.label,
        "actor": step.actor,
        "reason": step.reason,
        "transition_id": step.transition_id,
        "correlation_id": "" if envelope is None else envelope.correlation_id,
        "state": None if envelope is None else envelope.state,
        "code": "" if envelope is None else envelope.code,
        "lines": [_line(each) for each in step.lines],
        "changes": [
            {"field": each.label, "old": each.old, "new": each.new} for each in step.changes
        ],
        "attempts": [
            f"{each.fence}: {each.get_ending_display()} ({each.worker})" for each in step.attempts
        ],
        "effects": [f"{each.label}: {each.entry.get_state_display()}" for each in step.effects],
    }


def _line(line: Line) -> str:
    return f"{line.words}: {line.detail}" if line.detail else line.words


def option_of(option: Option, *, changes: list[Any]) -> dict[str, Any]:
    """Return how a transition stands, as `OptionShape`."""
    form = option.transition.form
    return {
        "transition": option.name,
        "label": option.label,
        "target": str(option.transition.target.value),
        "answer": option.answer.value,
        "needs_reason": option.needs_reason,
        "fields": [] if form is None else sorted(form.base_fields),
        "refusals": told(option.refusals),
        "findings": [{"message": "", **each.as_evidence()} for each in option.foresight.findings],
        "changes": [{"field": each.label, "old": each.old, "new": each.new} for each in changes],
        "sends": [
            {
                "effect": each.effect.name,
                "channel": each.effect.channel.name,
                "when": "before" if each.is_before else "after",
                "request": each.request,
                "problem": each.problem,
            }
            for each in option.foresight.sends
        ],
        "problem": option.foresight.problem,
    }
