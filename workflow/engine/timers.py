"""Automatic transitions: a status that is entered sets its timers, one that is left stops them.

A timer is an ordinary scheduled envelope whose transition id follows from what entered the status,
so it exists once however often the step that sets it is repeated, and whose expected version
makes it harmless once the record has moved on.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.utils.translation import gettext_noop

from audit.chain import Note
from workflow.definition import Workflow
from workflow.engine.enclose import enclose
from workflow.engine.request import Request
from workflow.engine.trail import Action, note
from workflow.models import Origin, State, TransitionEnvelope, uuid7


def timers(
    *,
    workflow: Workflow[Any, Any],
    record: UUID,
    status: str,
    version: int,
    entered_by: UUID,
    now: datetime,
    since: datetime | None = None,
) -> list[TransitionEnvelope]:
    """Return the unsaved timers of a record that has entered a status.

    Args:
        version: The record's version in that status.
        entered_by: Transition id that led there, or the record's id when it was started.
        since: When it entered, if not now. A timer whose time has passed is not set.
    """
    entered = since or now
    return [
        enclose(
            request=Request(
                record=record,
                transition=transition.name,
                transition_id=uuid5(entered_by, transition.name),
                user=None,
                reason=f"{_in_words(transition.automatic_after)} after entering “{status}”",
                origin=Origin.TIMER,
                correlation_id=uuid7().hex,
                traceparent="",
                expected_version=version,
                due_at=entered + transition.automatic_after,
            ),
            workflow=workflow,
            transition=transition,
            now=now,
        )
        for transition in workflow.leaving(status)
        if transition.automatic_after is not None and entered + transition.automatic_after > now
    ]


def stop(*, records: Collection[UUID], now: datetime) -> list[Note]:
    """Cancel the timers of records that leave their status; return the entries to append.

    Call in the transaction of the change, with the records locked.
    """
    running = TransitionEnvelope.objects.filter(
        record__in=records, state=State.SCHEDULED, origin=Origin.TIMER
    )
    stopped = list(running)
    if stopped:
        running.filter(pk__in=[each.pk for each in stopped]).update(
            state=State.CANCELLED,
            due_at=None,
            finished_at=now,
            code="status_left",
            message=gettext_noop("The record left the status before the time was up."),
        )
    return [
        note(
            envelope=each,
            action=Action.CANCELLED,
            now=now,
            evidence={"code": "status_left"},
        )
        for each in stopped
    ]


def _in_words(span: timedelta) -> str:
    """Return a length of time for the trail: in days where it is whole days."""
    if span % timedelta(days=1):
        return str(span)
    return "1 day" if span.days == 1 else f"{span.days} days"
