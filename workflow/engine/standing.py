"""Refusals that need no guard: what the record's own state says to a transition."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser

from workflow.definition import Refusal, Transition, refuse
from workflow.models import Record, TransitionEnvelope


def refusals(
    *, record: Record, transition: Transition[Any, Any], expected_version: int | None
) -> list[Refusal]:
    """Return why the record, as it stands, cannot make this transition; empty when it can."""
    found = []
    sources = [str(source.value) for source in transition.sources]
    if record.status not in sources:
        found.append(
            refuse(
                f"{record.reference} stands in {record.status!r};"
                f" {transition.label!r} starts from {' or '.join(map(repr, sources))}.",
                required=", ".join(sources),
                actual=record.status,
                code="wrong_status",
            )
        )
    if expected_version is not None and expected_version != record.version:
        found.append(
            refuse(
                f"{record.reference} has changed since: it is at version {record.version}, the"
                f" request was made for version {expected_version}. Look at it again.",
                required=expected_version,
                actual=record.version,
                code="stale",
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
            f"{user.get_username()} may not do {transition.label!r}.",
            required=transition.permission,
            code="permission_denied",
        )
    ]


def occupied(*, record: Record, winner: TransitionEnvelope) -> Refusal:
    """Return the refusal of a request that came while another is in flight."""
    return refuse(
        f"{record.reference} has {winner.transition!r} in flight ({winner.state});"
        f" see {winner.transition_id}. Wait until it is done.",
        required="no transition in flight",
        actual=winner.transition_id,
        code="in_flight",
    )
