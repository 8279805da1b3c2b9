"""Rows to attack."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from audit.models import Entry
from workflow.examples.declarations.models import Declaration
from workflow.models import (
    FINAL,
    Attempt,
    BackfillRun,
    Doubt,
    EffectAttempt,
    EffectEntry,
    EffectState,
    Ending,
    Kind,
    Origin,
    Outcome,
    Phase,
    Record,
    State,
    TransitionEnvelope,
    uuid7,
)

NOW = datetime.datetime(2026, 1, 31, 8, tzinfo=datetime.UTC)


def make_record(**values: Any) -> Record:
    asked = {"status": "draft", "status_since": NOW, "created_at": NOW, "workflow": "declaration"}
    return Record.objects.create(reference=uuid7().hex, **{**asked, **values})


def make_envelope(record: Record, **values: Any) -> TransitionEnvelope:
    asked = {
        "transition_id": uuid7(),
        "workflow": record.workflow,
        "definition_version": 1,
        "transition": "submit",
        "target": "submitted",
        "actor_label": "Ada",
        "payload": {"receipts": 2},
        "digest": "0" * 64,
        "origin": Origin.PYTHON,
        "correlation_id": "c",
        "requested_at": NOW,
        "state": State.WAITING,
        "due_at": NOW,
        "finished_at": NOW if values.get("state") in FINAL else None,
    }
    return TransitionEnvelope.objects.create(record=record, **{**asked, **values})


def make_run() -> BackfillRun:
    return BackfillRun.objects.create(
        workflow="declaration", mapping="m", source=uuid7().hex, started_by="Ada", started_at=NOW
    )


def make_attempt(record: Record) -> Attempt:
    return Attempt.objects.create(
        envelope=make_envelope(record, state=State.REFUSED),
        fence=1,
        worker="w",
        started_at=NOW,
        ended_at=NOW,
        ending=Ending.REFUSED,
    )


def make_effect(record: Record, **values: Any) -> EffectEntry:
    asked = {
        "envelope": make_envelope(record, state=State.REFUSED),
        "name": "pay",
        "phase": Phase.AFTER,
        "position": 0,
        "channel": "bank",
        "recovery": Doubt.ASK,
        "request": {"amount": "12.50"},
        "planned_at": NOW,
        "state": EffectState.WAITING,
        "due_at": NOW,
    }
    return EffectEntry.objects.create(record=record, **{**asked, **values})


def make_effect_attempt(record: Record) -> EffectAttempt:
    return EffectAttempt.objects.create(
        effect=make_effect(record),
        fence=1,
        kind=Kind.SEND,
        worker="w",
        started_at=NOW,
        ended_at=NOW,
        outcome=Outcome.DONE,
    )


def make_entry(record: Record) -> Entry:
    return Entry.objects.create(
        chain=record.pk, sequence=1, at=NOW, action="started", actor="Ada", digest="1" * 64
    )


def make_history(record: Record) -> models.Model:
    """Return the row that simple-history writes when a declaration is saved."""
    declaration = Declaration.objects.create(
        record=record,
        claimant=get_user_model().objects.create(username="ada"),
        number="D-1",
        purpose="a journey",
        amount=Decimal(20),
        expense_date=datetime.date(2026, 1, 1),
        declared_on=datetime.date(2026, 1, 2),
    )
    row: models.Model = declaration.history.get()
    return row


def fire(envelope: TransitionEnvelope, version: int | None = 1) -> None:
    """Settle the envelope as the engine does before it moves the record."""
    TransitionEnvelope.objects.filter(pk=envelope.pk).update(
        state=State.FIRED, resulting_version=version, finished_at=NOW, due_at=None
    )
    envelope.refresh_from_db()
