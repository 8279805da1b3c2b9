"""Workflows: what may become of records, as data and as a drawing."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema

from workflow.api.caller import calling
from workflow.api.document import problems
from workflow.api.problems import Problem
from workflow.definition import Reason, Transition, Workflow, registry
from workflow.definition.diagram import diagram
from workflow.definition.fingerprint import fingerprint
from workflow.models import KeyScope
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
        "fields": [] if form is None else sorted(form.base_fields),
        "guards": [getattr(each, "__name__", type(each).__name__) for each in transition.guards],
        "before": [each.name for each in transition.before],
        "after": [each.name for each in transition.after],
        "timeout_seconds": transition.timeout.total_seconds(),
        "deadline_seconds": None if deadline is None else deadline.total_seconds(),
        "automatic_after_seconds": None if automatic is None else automatic.total_seconds(),
    }
