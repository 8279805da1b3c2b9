"""Where downstreams report on calls that they accepted and had not finished."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Body, Field, Path, Router, Schema

from workflow.acts import rights
from workflow.acts.rights import Right
from workflow.api.answers import invalid
from workflow.api.caller import calling
from workflow.api.document import problems
from workflow.api.preconditions import check_correlation
from workflow.api.problems import Problem
from workflow.definition import InvalidRequest
from workflow.effects.call_back import TakenBefore, take_call_back
from workflow.engine import clock
from workflow.models import KeyScope

router = Router(tags=["Call-backs"])

EffectKey = Annotated[str, Path(pattern=r"^[0-9a-f-]{32,36}:[a-z0-9_]{1,64}$")]


class CallBackAnswer(Schema):
    """What became of a call-back."""

    key: str
    state: str = Field(description="Of the call, now.")
    is_repeat: bool = Field(description="Whether the same had been reported before.")


@router.post(
    "/call-backs/{str:key}",
    response={200: CallBackAnswer, problems(400, 404, 409, 413, 415, 422): Any},
    summary="Report on a downstream call",
    url_name="call-back",
)
def call_back(
    request: HttpRequest, key: EffectKey, wanted: Annotated[dict[str, Any], Body()]
) -> Any:
    """Take what a downstream has to say about the call that it got under this key.

    The body is what the effect's declaration reads. Safe to repeat. It takes an API key with the
    scope `call_back`; give each downstream one of its own.
    """
    caller = calling(request, KeyScope.CALL_BACK)
    check_correlation(request)
    if not caller.key and not rights.has(caller.user, Right.SETTLE):
        raise Problem("permission_denied", f"It takes {Right.SETTLE.value}, or a key for it.")
    by = caller.user.get_username()
    try:
        taken = take_call_back(key=key, body=wanted, by=by, now=clock.now())
    except InvalidRequest as error:
        raise _problem(error) from error
    return {
        "key": key,
        "state": taken.entry.state,
        "is_repeat": isinstance(taken, TakenBefore),
    }


def _problem(error: InvalidRequest) -> Problem:
    if error.field == "body":
        return invalid(error)
    if "no call was made" in error.problem or "no key of ours" in error.problem:
        return Problem("not_found", "No call was made under this key.")
    return Problem("wrong_state", f"key: {error.problem}")
