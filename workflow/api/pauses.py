"""Holding things up, and letting them go on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from workflow.acts import pause as acts
from workflow.acts import rights
from workflow.acts.rights import Right
from workflow.api import answers
from workflow.api.caller import Caller, calling
from workflow.api.document import problems
from workflow.api.preconditions import check_correlation
from workflow.api.problems import Problem
from workflow.api.shapes.base import Body, FullName, Reason, When
from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.models import KeyScope, Pause, Scope

router = Router(tags=["Pauses"])

ScopeName = Literal["workflow", "transition", "channel"]


class PauseShape(Schema):
    """One stop that is in force."""

    scope: str
    name: str
    reason: str
    paused_by: str
    paused_at: datetime
    until: datetime | None


class Pauses(Schema):
    """All that are in force."""

    items: list[PauseShape]


class Stop(Body):
    """What is to be held up, why and until when."""

    scope: ScopeName
    name: FullName = Field(description="Workflow, `workflow.transition`, or channel.")
    reason: Reason
    until: When | None = Field(None, description="Ends by itself then; null: when it is lifted.")


class Lift(Body):
    """What is to go on, and why."""

    scope: ScopeName
    name: FullName
    reason: Reason


@router.get(
    "/pauses",
    response={200: Pauses, problems(): Any},
    summary="List pauses",
    url_name="pauses",
)
def list_pauses(request: HttpRequest) -> Any:
    """List what is held up at the moment."""
    caller = calling(request, KeyScope.READ)
    _demand(caller, Right.VIEW)
    rows = Pause.objects.in_force(now=clock.now()).select_related("paused_by")
    return {"items": [_shape(each) for each in rows.order_by("scope", "name")]}


@router.post(
    "/pauses",
    response={201: PauseShape, problems(400, 409, 413, 415, 422): Any},
    summary="Pause a workflow, a transition or a channel",
    url_name="pause",
)
def pause(request: HttpRequest, wanted: Stop) -> Any:
    """Begin nothing new of it. What is under way ends; requests are accepted and wait."""
    caller = _pauser(request)
    now = clock.now()
    try:
        made = acts.pause(
            scope=Scope(wanted.scope),
            name=wanted.name,
            user=caller.user,
            reason=wanted.reason,
            until=wanted.until,
            now=now,
        )
    except InvalidRequest as error:
        raise answers.wrong_state(error) from error
    return Status(201, _shape(made))


@router.post(
    "/pauses/lift",
    response={200: PauseShape, problems(400, 409, 413, 415, 422): Any},
    summary="Lift a pause",
    url_name="lift",
)
def lift(request: HttpRequest, wanted: Lift) -> Any:
    """Let it go on."""
    caller = _pauser(request)
    try:
        lifted = acts.lift(
            scope=Scope(wanted.scope),
            name=wanted.name,
            user=caller.user,
            reason=wanted.reason,
            now=clock.now(),
        )
    except InvalidRequest as error:
        raise answers.wrong_state(error) from error
    return _shape(lifted)


def _pauser(request: HttpRequest) -> Caller:
    caller = calling(request, KeyScope.PAUSE)
    check_correlation(request)
    _demand(caller, Right.PAUSE)
    return caller


def _demand(caller: Caller, right: Right) -> None:
    if not rights.has(caller.user, right):
        raise Problem("permission_denied", f"It takes the permission {right.value}.")


def _shape(pause: Pause) -> dict[str, Any]:
    by = pause.paused_by
    return {
        "scope": pause.scope,
        "name": pause.name,
        "reason": pause.reason,
        "paused_by": "" if by is None else by.get_username(),
        "paused_at": pause.paused_at,
        "until": pause.until,
    }
