"""Erasing personal values from a record's trail, in somebody's name and for a reason."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext_noop

from audit import personal
from workflow.definition import InvalidRequest
from workflow.engine.request import actor_of
from workflow.models import Record

PERMISSION = "audit.redact_entry"


@transaction.atomic
def redact(
    *, record: UUID, sequence: int, part: str, user: AbstractUser, reason: str, now: datetime
) -> list[str]:
    """Erase a personal value that an entry names, wherever this record's trail has it.

    The entry that tells of it commits with it. The chain still verifies: its entries have held
    digests only, from the beginning.

    Args:
        part: `actor`, `reason`, or `evidence 1` for the first personal part of the evidence.

    Returns:
        The digests that stand for nothing any more.

    Raises:
        PermissionDenied: The user may not redact.
        InvalidRequest: There is nothing to redact there, or no reason is given.
    """
    if not user.has_perm(PERMISSION):
        raise PermissionDenied(f"Redacting needs the permission {PERMISSION}.")
    if not reason.strip():
        raise InvalidRequest("reason", reason, gettext_noop("say why; it goes into the trail"))
    if Record.objects.select_for_update().filter(pk=record).first() is None:
        raise InvalidRequest("record", str(record), gettext_noop("does not exist"))
    actor = actor_of(user)
    try:
        return personal.redact(
            chain=record,
            sequence=sequence,
            part=part,
            actor_id=actor.id or "",
            actor=actor.label,
            reason=reason,
            now=now,
        )
    except personal.NotThere as error:
        raise InvalidRequest("part", part, str(error)) from error
