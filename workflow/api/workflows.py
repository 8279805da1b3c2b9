"""Workflows: what may become of records, as data and as a drawing."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Router, Schema

from workflow.api.caller import calling
from workflow.api.document import SVG, problems
from workflow.api.problems import Problem
from workflow.api.sight import record_for
from workflow.definition import Reason, Transition, Workflow, registry
from workflow.definition.diagram import diagram
from workflow.definition.fingerprint import fingerprint
from workflow.models import KeyScope, TransitionEnvelope
from workflow.pages.drawing import drawing
from workflow.pages.drawing_file import svg
from workflow.pages.record import drawing_of
from workflow.queries import names
from workflow.queries.inbox import latest_workflows

router = Router(tags=["Workflows"])

Named = Annotated[str, Path(pattern=r"^[a-z0-9_]{1,64}$")]


class StatusShape(Schema):
    """One status, and its place in the drawing, in columns and rows."""

    value: str
    label: str
    is_initial: bool
    is_final: bool
    column: int
    row: float


class TransitionShape(Schema):
    """One declared change of status."""

    name: str
    label: str
    sources: list[str]
    target: str
    permission: str
    needs_reason: bool
    signature: str = Field(description="What signing it means; empty if it need not be signed.")
    apart_from: list[str] = Field(description="Who made one of these may not ask for it.")
    is_settled_apart: bool = Field(description="Whether others settle its calls.")
    fields: list[str]
    guards: list[str]
    before: list[str] = Field(description="Calls that must be done first.")
    after: list[str] = Field(description="Calls that follow.")
    timeout_seconds: float
    deadline_seconds: float | None
    automatic_after_seconds: float | None


class WorkflowShape(Schema):
    """One version of a workflow."""

    name: str
    version: int
    fingerprint: str
    versions: list[int] = Field(description="All that this release can run.")
    statuses: list[StatusShape]
    transitions: list[TransitionShape]


class Workflows(Schema):
    """The newest version of each."""

    items: list[WorkflowShape]


@router.get(
    "/workflows",
    response={200: Workflows, problems(): Any},
    summary="List workflows",
    url_name="workflows",
)
def list_workflows(request: HttpRequest) -> Any:
    """List the workflows of this release."""
    calling(request, KeyScope.READ)
    return {"items": [_shape(each) for each in latest_workflows()]}


@router.get(
    "/workflows/{name}",
    response={200: WorkflowShape, problems(404, 422): Any},
    summary="Look at a workflow",
    url_name="workflow",
)
def get_workflow(request: HttpRequest, name: Named) -> Any:
    """Return the newest version of a workflow, with the places of its diagram."""
    calling(request, KeyScope.READ)
    found = {each.name: each for each in latest_workflows()}.get(name)
    if found is None:
        raise Problem("not_found", "There is no such workflow.")
    return _shape(found)


@router.get(
    "/workflows/{name}/diagram.svg",
    response={200: str, problems(404, 422): Any},
    summary="Draw a workflow",
    url_name="workflow-diagram",
)
def draw_workflow(request: HttpRequest, name: Named) -> Any:
    """Return the drawing of a workflow, as the pages have it, as SVG."""
    calling(request, KeyScope.READ)
    found = {each.name: each for each in latest_workflows()}.get(name)
    if found is None:
        raise Problem("not_found", "There is no such workflow.")
    drawn = drawing(workflow=found, status="", fired=())
    return _svg(svg(drawing=drawn, title=f"{names.workflow(name)} ({found.key})"))


@router.get(
    "/records/{uuid:record}/diagram.svg",
    response={200: str, problems(404, 422): Any},
    summary="Draw a record's way",
    url_name="record-diagram",
)
def draw_record(request: HttpRequest, record: UUID) -> Any:
    """Return the drawing of a workflow with a record's way and where it stands, as SVG."""
    found = record_for(calling(request, KeyScope.READ), record)
    recent = TransitionEnvelope.objects.filter(record=found.pk)
    envelopes = list(recent.order_by("-requested_at", "-pk")[:200])
    in_flight = next((each for each in envelopes if each.is_in_flight), None)
    drawn = drawing_of(found, envelopes, in_flight)
    if drawn is None:
        raise Problem("unknown_definition", "This release does not know the record's workflow.")
    status = names.status(found.workflow, found.status)
    return _svg(svg(drawing=drawn, title=f"{found.reference}: {status}"))


def _svg(text: str) -> HttpResponse:
    return HttpResponse(text, content_type=SVG)


def _shape(workflow: Workflow[Any, Any]) -> dict[str, Any]:
    return {
        "name": workflow.name,
        "version": workflow.version,
        "fingerprint": fingerprint(workflow),
        "versions": list(registry.versions()[workflow.name]),
        "statuses": [
            {
                "value": node.status,
                "label": node.label,
                "is_initial": node.is_initial,
                "is_final": node.is_final,
                "column": node.column,
                "row": node.row,
            }
            for node in diagram(workflow).nodes
        ],
        "transitions": [_transition(each) for each in workflow.transitions],
    }


def _transition(transition: Transition[Any, Any]) -> dict[str, Any]:
    deadline, automatic = transition.deadline, transition.automatic_after
    form = transition.form
    return {
        "name": transition.name,
        "label": str(transition.label),
        "sources": [str(source.value) for source in transition.sources],
        "target": str(transition.target.value),
        "permission": transition.permission,
        "needs_reason": transition.reason is Reason.REQUIRED,
        "signature": transition.signature,
        "apart_from": list(transition.apart_from),
        "is_settled_apart": transition.settled_apart,
        "fields": [] if form is None else sorted(form.base_fields),
        "guards": [getattr(each, "__name__", type(each).__name__) for each in transition.guards],
        "before": [each.name for each in transition.before],
        "after": [each.name for each in transition.after],
        "timeout_seconds": transition.timeout.total_seconds(),
        "deadline_seconds": None if deadline is None else deadline.total_seconds(),
        "automatic_after_seconds": None if automatic is None else automatic.total_seconds(),
    }
