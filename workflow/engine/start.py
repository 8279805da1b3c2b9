"""Bringing a new record under the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from audit import chain
from workflow.definition import Actor, InvalidRequest, Workflow
from workflow.engine.correlation import current_id
from workflow.engine.request import actor_of
from workflow.engine.timers import timers
from workflow.engine.trail import Action
from workflow.models import Record, Tracked, TransitionEnvelope, uuid7
from workflow.models.snapshot import snapshot, snapshot_digest

_REFERENCE_LENGTH = 100


@dataclass(frozen=True, kw_only=True)
class New:
    """A domain object that is to stand in the initial status of its workflow."""

    subject: Tracked
    reference: str


def start(
    *,
    workflow: Workflow[Any, Any],
    subject: Tracked,
    reference: str,
    user: AbstractBaseUser | None,
    now: datetime,
    correlation_id: str = "",
) -> Record:
    """Save the subject with a record of its own, in the initial status.

    Raises:
        InvalidRequest: The reference is taken or unusable; nothing was written.
    """
    new = New(subject=subject, reference=reference)
    return start_many(
        workflow=workflow, new=[new], user=user, now=now, correlation_id=correlation_id
    )[0]


@transaction.atomic
def start_many(
    *,
    workflow: Workflow[Any, Any],
    new: Sequence[New],
    user: AbstractBaseUser | None,
    now: datetime,
    correlation_id: str = "",
) -> list[Record]:
    """Start many records in one transaction; all of them, or none.

    Raises:
        InvalidRequest: A reference is taken or unusable.
    """
    _check_references(workflow, [each.reference for each in new])
    initial = str(workflow.initial.value)
    records = [
        Record(
            id=uuid7(),
            workflow=workflow.name,
            reference=each.reference,
            status=initial,
            status_since=now,
            created_at=now,
        )
        for each in new
    ]
    try:
        with transaction.atomic():
            Record.objects.bulk_create(records, batch_size=200)
    except IntegrityError as error:
        raise InvalidRequest(
            "reference", [each.reference for each in new], f"was taken meanwhile: {error}"
        ) from error
    for record, each in zip(records, new, strict=True):
        _save(each.subject, record, user)
    waiting = [
        timer
        for record in records
        for timer in timers(
            workflow=workflow,
            record=record.pk,
            status=initial,
            version=0,
            entered_by=record.pk,
            now=now,
        )
    ]
    TransitionEnvelope.objects.bulk_create(waiting, batch_size=200)
    actor = actor_of(user)
    known_by = correlation_id or current_id()
    chain.append(
        [
            _started(record, each.subject, actor, now, known_by)
            for record, each in zip(records, new, strict=True)
        ]
    )
    return records


def _check_references(workflow: Workflow[Any, Any], references: list[str]) -> None:
    for reference in references:
        if not 0 < len(reference.strip()) <= _REFERENCE_LENGTH or not reference.isprintable():
            raise InvalidRequest(
                "reference", reference, f"1 to {_REFERENCE_LENGTH} printable characters"
            )
    for start_at in range(0, len(references), 200):
        some = references[start_at : start_at + 200]
        taken = Record.objects.filter(workflow=workflow.name, reference__in=some).first()
        if taken is not None:
            raise InvalidRequest(
                "reference", taken.reference, gettext_noop("is taken; choose another")
            )


def _save(subject: Tracked, record: Record, user: AbstractBaseUser | None) -> None:
    """Save one by one: SQL Server's bulk insert returns no keys, and the history needs them."""
    subject.record = record
    vars(subject)["_history_user"] = user  # how django-simple-history is told
    subject.save()


def _started(
    record: Record, subject: Tracked, actor: Actor, now: datetime, correlation_id: str
) -> chain.Note:
    return chain.Note(
        chain=record.pk,
        at=now,
        action=Action.STARTED.value,
        actor_id=actor.id or "",
        actor=actor.label,
        new=record.status,
        correlation_id=correlation_id,
        evidence={
            "workflow": record.workflow,
            "reference": record.reference,
            "snapshot": snapshot_digest(snapshot(row=subject, model=type(subject))),
        },
    )
