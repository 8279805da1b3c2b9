"""Signing a request: the signer proves once more who they are, and means just this request.

For a page or the API that offers a transition which demands a signature:

1. Build the `Request` as for any other transition.
2. Show `statement(request=...)`: what is signed, in full, and what the signature means.
3. Ask for the password again and call `sign`; or, with single sign-on, send the person through the
   identity provider's step-up and call `sign_after_step_up`.
4. `submit` the request that comes back. It carries the signature, and nothing of the request can
   be changed any more: another body has another digest, and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.translation import gettext_noop

from audit.canonical import moment
from workflow.definition import InvalidRequest, Transition, registry
from workflow.engine.request import Request, Signed
from workflow.models import Record, Signature, TransitionEnvelope

VALID = timedelta(minutes=5)
"""How old a signature, or the step-up it rests on, may be when the request is submitted."""

PASSWORD = "password"  # noqa: S105  (the name of a method, no secret)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a signer is to see before they sign."""

    meaning: str
    printed_name: str
    record: str
    """What people call it."""

    transition: str
    """Its label."""

    old: str
    new: str
    reason: str
    payload: Mapping[str, Any]
    digest: str
    """What the signature will be bound to."""


def statement(*, request: Request) -> Statement | None:
    """Return what is to be signed; None if the transition demands no signature.

    Raises:
        InvalidRequest: The record or the transition does not exist.
        UnknownDefinition: The record's workflow is not in this release.
    """
    record = Record.objects.filter(pk=request.record).first()
    if record is None:
        raise InvalidRequest("record", str(request.record), "does not exist")
    transition = registry.latest(record.workflow).by_name.get(request.transition)
    if transition is None:
        raise InvalidRequest("transition", request.transition, "is not declared")
    if not transition.signature:
        return None
    return Statement(
        meaning=transition.signature,
        printed_name=request.actor.label,
        record=record.reference,
        transition=transition.label,
        old=record.status,
        new=str(transition.target.value),
        reason=request.reason,
        payload=request.payload,
        digest=request.digest(),
    )


def sign(*, request: Request, password: str, web: HttpRequest, now: datetime) -> Request:
    """Return the request with its user's signature, if the password is theirs.

    The password goes through the configured authentication backends, so that whatever they count
    and lock is counted and locked here too.

    Args:
        web: The HTTP request that brought the password; the backends want to know from where.

    Raises:
        InvalidRequest: The password is wrong, too many were, or there is nothing to sign. Nothing
            was written.
    """
    user = _signer(request)
    proved = authenticate(web, username=user.get_username(), password=password)
    if proved is None or proved.pk != user.pk:
        raise InvalidRequest(
            "signature",
            "",
            gettext_noop("is not given: the password is not right, or too many were wrong"),
        )
    return _signed(request, PASSWORD, now)


def sign_after_step_up(
    *, request: Request, method: str, authenticated_at: datetime, now: datetime
) -> Request:
    """Return the request with its user's signature, on the word of an identity provider.

    Args:
        method: How the provider says it authenticated, such as `sso:mfa`.
        authenticated_at: When, by the provider's signed token; the caller has checked that token.

    Raises:
        InvalidRequest: That was too long ago, or there is nothing to sign.
    """
    _signer(request)
    if not timedelta(0) <= now - authenticated_at <= VALID:
        raise InvalidRequest(
            "signature",
            authenticated_at.isoformat(),
            f"rests on a sign-in that is not of the last {VALID}; sign in again",
        )
    return _signed(request, method[:64], now)


def check_signature(*, request: Request, transition: Transition[Any, Any], now: datetime) -> None:
    """See that a request has the signature that its transition demands, and no other.

    Raises:
        InvalidRequest: It has not.
    """
    signed = request.signed
    if signed is None:
        if transition.signature:
            raise InvalidRequest(
                "signature",
                "",
                gettext_noop("is missing: “%(label)s” has to be signed (%(meaning)s)"),
                facts={"label": transition.label, "meaning": transition.signature},
            )
        return
    if not transition.signature:
        raise InvalidRequest(
            "signature",
            "",
            gettext_noop("is not asked for by “%(label)s”"),
            facts={"label": transition.label},
        )
    if signed.digest != request.digest() or signed.signer != request.actor.id:
        raise InvalidRequest(
            "signature", "", gettext_noop("was given for another request; sign this one")
        )
    if signed.meaning != transition.signature:
        raise InvalidRequest(
            "signature",
            signed.meaning,
            gettext_noop("had another meaning than “%(meaning)s”"),
            facts={"meaning": transition.signature},
        )
    if not timedelta(0) <= now - signed.at <= VALID:
        raise InvalidRequest(
            "signature", signed.at.isoformat(), f"is older than {VALID}; sign again"
        )


def signature_of(*, request: Request, envelope: TransitionEnvelope) -> list[Signature]:
    """Return the unsaved signature of a request that was written down, if it was signed."""
    signed = request.signed
    if signed is None or request.user is None:
        return []
    return [
        Signature(
            envelope=envelope,
            signer_id=request.user.pk,
            printed_name=signed.printed_name,
            meaning=signed.meaning,
            method=signed.method,
            signed_at=signed.at,
            content=request.body(),
            digest=signed.digest,
        )
    ]


def as_evidence(signature: Signature) -> dict[str, str]:
    """Return what the trail says of a signature."""
    return {
        "signer": str(signature.signer_id),
        "printed_name": signature.printed_name,
        "meaning": signature.meaning,
        "method": signature.method,
        "at": moment(signature.signed_at),
        "digest": signature.digest,
    }


def _signer(request: Request) -> AbstractBaseUser:
    if request.user is None:
        raise InvalidRequest("user", None, "is nobody; a person signs")
    return request.user


def _signed(request: Request, method: str, now: datetime) -> Request:
    shown = statement(request=request)
    if shown is None:
        raise InvalidRequest("signature", "", "is not asked for by this transition")
    signed = Signed(
        signer=str(request.actor.id),
        printed_name=shown.printed_name,
        meaning=shown.meaning,
        method=method,
        at=now,
        digest=shown.digest,
    )
    return replace(request, signed=signed)
