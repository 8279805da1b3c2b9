"""Refusals that need no guard: what the record's own state says to a transition."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext_noop

from workflow.definition import Refusal, Transition, refuse
from workflow.models import Record, TransitionEnvelope


def refusals(
    *, record: Record, transition: Transition[Any, Any], expected_version: int | None
) -> list[Refusal]:
    """Return why the record, as it stands, cannot make this transition; empty when it can.

    That it has moved since its caller looked comes first: the rest may only follow from that.
    """
    found = []
    sources = [str(source.value) for source in transition.sources]
    if expected_version is not None and expected_version != record.version:
        found.append(
            refuse(
                gettext_noop(
                    "%(record)s has changed since: it is at version %(version)s, the request was"
                    " made for version %(expected)s. Look at it again."
                ),
                facts={
                    "record": record.reference,
                    "version": record.version,
                    "expected": expected_version,
                },
                required=expected_version,
                actual=record.version,
                code="stale",
            )
        )
    if record.status not in sources:
        found.append(
            refuse(
                gettext_noop(
                    "%(record)s stands in “%(status)s”; “%(label)s” starts from %(sources)s."
                ),
                facts={
                    "record": record.reference,
                    "status": record.status,
                    "label": transition.label,
                    "sources": ", ".join(f"“{each}”" for each in sources),
                },
                required=", ".join(sources),
                actual=record.status,
                code="wrong_status",
            )
        )
    return found


def denied(*, user: AbstractBaseUser | None, transition: Transition[Any, Any]) -> list[Refusal]:
    """Return the refusal of a person who lacks the permission; the system needs none."""
    if user is None or not transition.permission:
        return []
    if getattr(user, "has_perm", lambda _: False)(transition.permission):
        return []
    return [
        refuse(
            gettext_noop("%(user)s may not do “%(label)s”."),
            facts={"user": user.get_username(), "label": transition.label},
            required=transition.permission,
            code="permission_denied",
        )
    ]


def occupied(*, record: Record, winner: TransitionEnvelope) -> Refusal:
    """Return the refusal of a request that came while another is in flight."""
    return refuse(
        gettext_noop(
            "%(record)s has “%(transition)s” in flight (%(state)s); see %(id)s. Wait until it is"
            " done."
        ),
        facts={
            "record": record.reference,
            "transition": winner.transition,
            "state": winner.state,
            "id": winner.transition_id,
        },
        required=gettext_noop("no transition in flight"),
        actual=winner.transition_id,
        code="in_flight",
    )
