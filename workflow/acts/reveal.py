"""Looking at personal data, which leaves an entry each time."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from audit import chain
from workflow.acts.rights import Right, demand
from workflow.definition import registry
from workflow.engine.request import actor_of
from workflow.engine.trail import Action
from workflow.models import Record


def reveal(*, record: Record, user: AbstractBaseUser, reason: str, now: datetime) -> None:
    """Enter that a person looks at the record's personal fields.

    Raises:
        Denied: They may not; that is entered instead.
    """
    demand(user=user, right=Right.REVEAL, act="reveal", record=record, now=now)
    actor = actor_of(user)
    with transaction.atomic():
        Record.objects.select_for_update().get(pk=record.pk)
        chain.append(
            [
                chain.Note(
                    chain=record.pk,
                    at=now,
                    action=Action.REVEALED.value,
                    actor_id=actor.id or "",
                    actor=actor.label,
                    reason=reason,
                    evidence={"fields": sorted(registry.latest(record.workflow).personal)},
                )
            ]
        )
