"""What a person may do beyond asking for transitions, and who was denied it."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from audit import chain
from workflow.definition import WorkflowError
from workflow.engine.request import actor_of
from workflow.engine.trail import Action
from workflow.models import Record, TransitionEnvelope


class Right(enum.StrEnum):
    """A Django permission for each kind of act."""

    VIEW = "workflow.view_record"
    REQUEST = "workflow.request_transition"
    RETRY = "workflow.retry_transition"
    SETTLE = "workflow.settle_effect"
    BULK = "workflow.bulk_transition"
    PAUSE = "workflow.pause_work"
    REVEAL = "workflow.reveal_personal"
    REDACT = "audit.redact_entry"
    CONFIGURE = "workflow.configure_workflow"


class Denied(WorkflowError):
    """A person lacks the right to what they tried; the attempt was entered."""

    code: ClassVar[str] = "permission_denied"

    def __init__(self, user: AbstractBaseUser, right: Right) -> None:
        self.right = right
        super().__init__(
            f"{user.get_username()} may not do this; it takes the permission {right.value}."
        )


def has(user: AbstractBaseUser, right: Right) -> bool:
    """Return whether a person has a right."""
    return bool(getattr(user, "has_perm", lambda _: False)(right.value))


def demand(
    *,
    user: AbstractBaseUser,
    right: Right,
    act: str,
    now: datetime,
    record: Record,
    envelope: TransitionEnvelope | None = None,
) -> None:
    """See that a person has a right; if not, enter the attempt on the record's chain.

    Args:
        act: What was tried, in a word.

    Raises:
        Denied: They do not have it. The entry is committed.
    """
    if has(user, right):
        return
    enter_denied(user=user, act=act, right=right.value, record=record, envelope=envelope, now=now)
    raise Denied(user, right)


def enter_denied(
    *,
    user: AbstractBaseUser,
    act: str,
    right: str,
    record: Record,
    envelope: TransitionEnvelope | None,
    now: datetime,
) -> None:
    """Enter on the record's chain that somebody tried what they may not; commits by itself."""
    actor = actor_of(user)
    with transaction.atomic():
        Record.objects.select_for_update().get(pk=record.pk)
        chain.append(
            [
                chain.Note(
                    chain=record.pk,
                    at=now,
                    action=Action.DENIED.value,
                    actor_id=actor.id or "",
                    actor=actor.label,
                    transition_id=None if envelope is None else envelope.pk,
                    correlation_id="" if envelope is None else envelope.correlation_id,
                    evidence={"act": act, "right": right},
                )
            ]
        )
