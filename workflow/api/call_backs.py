"""Where downstreams report on calls that they accepted and had not finished."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Body, Field, Path, Router, Schema

from workflow.acts import rights
from workflow.acts.rights import Right
from workflow.api.answers import invalid
from workflow.api.caller import Key, Session, Signature, Signed, calling
from workflow.api.document import problems
from workflow.api.preconditions import check_correlation
from workflow.api.problems import Problem
from workflow.definition import InvalidRequest
from workflow.effects.call_back import TakenBefore, signer_of, take_call_back
from workflow.effects.webhook import BadSignature, verify
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
    auth=[Key(), Session(), Signed()],
)
def call_back(
    request: HttpRequest, key: EffectKey, wanted: Annotated[dict[str, Any], Body()]
) -> Any:
    """Take what a downstream has to say about the call that it got under this key.

    The body is what the effect's declaration reads. Safe to repeat. Where the effect declares
    secrets, it has to be signed with one of them (Standard Webhooks: `webhook-id`,
    `webhook-timestamp`, `webhook-signature`), and needs nothing else. Elsewhere it takes an API
    key with the scope `call_back`; give each downstream one of its own.
    """
    check_correlation(request)
    by = _reporter(request, key)
    try:
        taken = take_call_back(key=key, body=wanted, by=by, now=clock.now())
    except InvalidRequest as error:
        raise _problem(error) from error
    return {
        "key": key,
        "state": taken.entry.state,
        "is_repeat": isinstance(taken, TakenBefore),
    }


def _reporter(request: HttpRequest, key: str) -> str:
    """Return who reports, as the trail names them.

    Raises:
        Problem: They have not shown who they are.
    """
    signer = signer_of(key=key)
    if signer is not None:
        try:
            verify(
                secrets=signer.secrets,
                headers=request.headers,
                body=request.body,
                now=clock.now(),
            )
        except BadSignature as error:
            raise Problem("bad_signature", str(error)) from error
        return signer.channel
    if isinstance(request.auth, Signature):  # type: ignore[attr-defined]  # set by ninja
        raise Problem("not_authenticated", "It takes an API key: its effect declares no secret.")
    caller = calling(request, KeyScope.CALL_BACK)
    if not caller.key and not rights.has(caller.user, Right.SETTLE):
        raise Problem("permission_denied", f"It takes {Right.SETTLE.value}, or a key for it.")
    return caller.user.get_username()


def _problem(error: InvalidRequest) -> Problem:
    if error.field == "body":
        return invalid(error)
    if "no call was made" in error.problem or "no key of ours" in error.problem:
        return Problem("not_found", "No call was made under this key.")
    return Problem("wrong_state", f"key: {error.problem}")
