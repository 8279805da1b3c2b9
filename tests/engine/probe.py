"""A workflow for tests, whose guards and `apply` do what the test says."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms

from workflow.definition import Context, Reason, Retry, Transition, Workflow, allow, refuse
from workflow.examples.declarations.models import Declaration

Handler = Callable[[Context[Declaration]], Any]


class Script:
    """What guards and `apply` do, by transition id; nothing unless told."""

    def __init__(self) -> None:
        self.guard: dict[UUID, Handler] = {}
        self.apply: dict[UUID, Handler] = {}


SCRIPT = Script()


class Status(enum.Enum):
    NEW = "new"
    OPEN = "open"
    DONE = "done"


class NoteForm(forms.Form):
    note = forms.CharField(max_length=10)
    count = forms.IntegerField(required=False)


def scripted(context: Context[Declaration]) -> Any:
    act = SCRIPT.guard.get(context.transition_id)
    return None if act is None else act(context)


def amount_is_positive(context: Context[Declaration]) -> Any:
    amount = context.subject.amount
    if amount <= 0:
        return refuse("The amount must be positive.", required="> 0", actual=amount)
    return allow(required="> 0", actual=amount)


def has_purpose(context: Context[Declaration]) -> Any:
    if not context.subject.purpose:
        return refuse("Say what it was for.", required="a purpose", actual="none")
    return None


def do(context: Context[Declaration]) -> None:
    act = SCRIPT.apply.get(context.transition_id)
    if act is not None:
        act(context)


RETRY = Retry(attempts=3, first=timedelta(seconds=2), longest=timedelta(minutes=1))

PROBE: Workflow[Declaration, Status] = Workflow(
    name="probe",
    version=1,
    subject=Declaration,
    statuses=Status,
    initial=Status.NEW,
    final=frozenset({Status.DONE}),
    transitions=(
        Transition(
            name="open",
            label="Open",
            sources=(Status.NEW,),
            target=Status.OPEN,
            guards=(amount_is_positive, has_purpose, scripted),
            apply=do,
            retry=RETRY,
            timeout=timedelta(seconds=0.2),
        ),
        Transition(
            name="note",
            label="Note",
            sources=(Status.OPEN,),
            target=Status.OPEN,
            form=NoteForm,
        ),
        Transition(
            name="close",
            label="Close",
            sources=(Status.OPEN,),
            target=Status.DONE,
            permission="declarations.approve_declaration",
            reason=Reason.REQUIRED,
        ),
        Transition(
            name="sign_off",
            label="Sign off",
            sources=(Status.OPEN,),
            target=Status.OPEN,
            form=NoteForm,
            signature="I have read it.",
        ),
        Transition(
            name="hurry",
            label="Hurry",
            sources=(Status.NEW,),
            target=Status.OPEN,
            deadline=timedelta(minutes=5),
        ),
        Transition(
            name="expire",
            label="Expire",
            sources=(Status.OPEN,),
            target=Status.DONE,
            automatic_after=timedelta(days=3),
        ),
    ),
)
