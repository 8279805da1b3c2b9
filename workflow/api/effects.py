"""Downstream calls: looking at them, settling those that wait for a person."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema

from workflow.acts import effects, rights
from workflow.acts.rights import Right
from workflow.api import answers, paging
from workflow.api.caller import Caller, calling
from workflow.api.document import problems
from workflow.api.preconditions import check_correlation
from workflow.api.problems import Problem
from workflow.api.shapes.base import Cursor, Items, Limit, Name
from workflow.api.shapes.effect import (
    Effect,
    EffectDetail,
    Settlement,
    detail_of,
    effect_of,
)
from workflow.api.sight import effect_for
from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.models import EffectEntry, EffectState, KeyScope
from workflow.queries.effects import effects_of
from workflow.queries.sight import in_sight
from workflow.queries.subjects import VIEW_ALL, has_right
from workflow.queries.world import world

router = Router(tags=["Effects"])

Number = Annotated[int, Path(ge=1, lt=2**63)]


class EffectFilter(Schema):
    """Which calls."""

    transition: UUID | None = None
    record: UUID | None = None
    channel: Name | None = None
    state: EffectState | None = None
    key: Annotated[str, Field(pattern=r"^[0-9a-f-]{32,36}:[a-z0-9_]{1,64}(:undo)?$")] | None = None


@router.get(
    "/effects",
    response={200: Items[Effect], problems(400, 422): Any},
    summary="List downstream calls",
    url_name="effects",
)
def list_effects(
    request: HttpRequest, chosen: Query[EffectFilter], cursor: Cursor = "", limit: Limit = 50
) -> Any:
    """List the calls for records that one may see, the newest first."""
    caller = calling(request, KeyScope.READ)
    wanted = chosen.dict(exclude_none=True)
    rows = _seen(caller)
    if "transition" in wanted:
        rows = rows.filter(envelope=wanted.pop("transition"))
    if "key" in wanted:
        envelope, name, *undo = wanted.pop("key").split(":")
        rows = rows.filter(envelope=_uuid(envelope), name=name)
        rows = rows.filter(phase="undo") if undo else rows.exclude(phase="undo")
    found = paging.page(rows.filter(**wanted), by=("pk",), cursor=cursor, limit=limit)
    return paging.answer(found, effect_of)


@router.get(
    "/effects/{int:pk}",
    response={200: EffectDetail, problems(404, 422): Any},
    summary="Look at a downstream call",
    url_name="effect",
)
def get_effect(request: HttpRequest, pk: Number) -> Any:
    """Return a call with its tries, and why it is not further."""
    return _detailed(effect_for(calling(request, KeyScope.READ), pk))


@router.post(
    "/effects/{int:pk}/settle",
    response={200: EffectDetail, problems(400, 404, 409, 413, 415, 422): Any},
    summary="Settle a downstream call",
    url_name="settle",
)
def settle_effect(request: HttpRequest, pk: Number, wanted: Settlement) -> Any:
    """Say whether a call that is in doubt happened, or what becomes of one that failed.

    Name the fence that you have seen: if anything has happened to the call since, nothing is done.
    """
    caller = calling(request, KeyScope.ACT)
    check_correlation(request)
    entry = effect_for(caller, pk)
    now = clock.now()
    right = Right.RETRY if wanted.verdict == "retry" else Right.SETTLE
    rights.demand(
        user=caller.user,
        right=right,
        act=f"settle {entry.name}",
        record=entry.envelope.record,
        envelope=entry.envelope,
        now=now,
    )
    if wanted.receipt and wanted.verdict != "happened":
        raise Problem("invalid_request", "body.receipt: only `happened` takes one.")
    told: dict[str, Any] = {"receipt": wanted.receipt} if wanted.verdict == "happened" else {}
    try:
        _ACTS[wanted.verdict](
            effect=pk, fence=wanted.fence, user=caller.user, reason=wanted.reason, now=now, **told
        )
    except InvalidRequest as error:
        raise answers.wrong_state(error) from error
    return _detailed(effect_for(caller, pk))


_ACTS: dict[str, Any] = {
    "happened": effects.happened,
    "did_not_happen": effects.did_not_happen,
    "retry": effects.retry,
    "give_up": effects.give_up,
}


def _detailed(entry: EffectEntry) -> dict[str, Any]:
    now = clock.now()
    found = effects_of([entry.envelope_id], world=world(now=now), now=now)
    return detail_of(next(each for each in found[entry.envelope_id] if each.entry.pk == entry.pk))


def _seen(caller: Caller) -> QuerySet[EffectEntry]:
    rows = EffectEntry.objects.all()
    if has_right(caller.user, VIEW_ALL):
        return rows
    return rows.filter(record__in=in_sight(user=caller.user).order_by().values("pk"))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem("invalid_request", "query.key: is no key of ours.") from None
