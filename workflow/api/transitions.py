"""Requested transitions: looking at them, and acting on those that wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from workflow.acts import rights
from workflow.acts.cancel import cancel
from workflow.acts.resume import resume
from workflow.acts.rights import Right
from workflow.api import answers, paging
from workflow.api.caller import Caller, calling
from workflow.api.document import problems
from workflow.api.preconditions import check_correlation
from workflow.api.shapes.base import Cursor, Items, Limit, Name, When, standing_of
from workflow.api.shapes.transition import (
    Act,
    Transition,
    TransitionDetail,
    detailed,
    transition_of,
)
from workflow.api.sight import transition_for
from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.models import KeyScope, Record, State, TransitionEnvelope
from workflow.queries.effects import effects_of
from workflow.queries.sight import in_sight
from workflow.queries.subjects import VIEW_ALL, has_right
from workflow.queries.verdict import of_envelope
from workflow.queries.world import world

router = Router(tags=["Transitions"])


class TransitionFilter(Schema):
    """Which transitions."""

    record: UUID | None = None
    workflow: Name | None = None
    transition: Name | None = None
    state: State | None = None
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")] | None = None
    correlation_id: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,64}$")] | None = None
    requested_from: When | None = None
    requested_before: When | None = None


@router.get(
    "/transitions",
    response={200: Items[Transition], problems(400, 422): Any},
    summary="List transitions",
    url_name="transitions",
)
def list_transitions(
    request: HttpRequest,
    chosen: Query[TransitionFilter],
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """List requested transitions, the newest first: one's own, and of records that one may see."""
    caller = calling(request, KeyScope.READ)
    rows = _mine(caller).filter(_condition(chosen))
    found = paging.page(rows, by=("requested_at", "pk"), cursor=cursor, limit=limit)
    return paging.answer(found, transition_of)


@router.get(
    "/transitions/{uuid:pk}",
    response={200: TransitionDetail, problems(404): Any},
    summary="Look at a transition",
    url_name="transition",
)
def get_transition(request: HttpRequest, pk: UUID) -> Any:
    """Return a requested transition with its attempts and downstream calls, and how it stands."""
    caller = calling(request, KeyScope.READ)
    return _detailed(transition_for(caller, pk))


@router.post(
    "/transitions/{uuid:pk}/cancel",
    response={200: TransitionDetail, problems(400, 404, 409, 413, 415, 422): Any},
    summary="Cancel a transition",
    url_name="cancel",
)
def cancel_transition(request: HttpRequest, pk: UUID, wanted: Act) -> Any:
    """Take it back before it fires; what was done downstream for it is undone first."""
    return _act(request, pk, wanted, "cancel", cancel)


@router.post(
    "/transitions/{uuid:pk}/retry",
    response={200: TransitionDetail, problems(400, 404, 409, 413, 415, 422): Any},
    summary="Set a parked transition going again",
    url_name="retry",
)
def retry_transition(request: HttpRequest, pk: UUID, wanted: Act) -> Any:
    """Try it again under its own id; calls that are done are not repeated."""
    return _act(request, pk, wanted, "retry", resume)


def _act(
    request: HttpRequest, pk: UUID, wanted: Act, name: str, act: Callable[..., Any]
) -> dict[str, Any]:
    caller = calling(request, KeyScope.ACT)
    check_correlation(request)
    envelope = transition_for(caller, pk)
    now = clock.now()
    rights.demand(
        user=caller.user,
        right=Right.RETRY,
        act=name,
        record=envelope.record,
        envelope=envelope,
        now=now,
    )
    try:
        act(
            transition_id=pk,
            user=caller.user,
            reason=wanted.reason,
            fence=wanted.fence,
            now=now,
        )
    except InvalidRequest as error:
        raise answers.wrong_state(error) from error
    return _detailed(transition_for(caller, pk))


def _detailed(envelope: TransitionEnvelope) -> dict[str, Any]:
    now = clock.now()
    around = world(now=now)
    effects = effects_of([envelope.pk], world=around, now=now).get(envelope.pk, [])
    entries = [each.entry for each in effects]
    verdict = of_envelope(envelope=envelope, effects=entries, world=around, now=now)
    return detailed(
        envelope,
        standing=standing_of(verdict),
        attempts=list(envelope.attempt_set.order_by("fence")),
        effects=effects,
    )


def _mine(caller: Caller) -> QuerySet[TransitionEnvelope]:
    rows = TransitionEnvelope.objects.all()
    if has_right(caller.user, VIEW_ALL):
        return rows
    seen: QuerySet[Record] = in_sight(user=caller.user)
    return rows.filter(Q(actor=caller.user.pk) | Q(record__in=seen.order_by().values("pk")))


def _condition(chosen: TransitionFilter) -> Q:
    wanted = chosen.dict(exclude_none=True)
    start, end = wanted.pop("requested_from", None), wanted.pop("requested_before", None)
    condition = Q(**wanted)
    if start is not None:
        condition &= Q(requested_at__gte=start)
    if end is not None:
        condition &= Q(requested_at__lt=end)
    return condition
