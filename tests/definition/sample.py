"""A sound workflow of pure Python, to be spoilt one part at a time."""

from __future__ import annotations

import enum
from dataclasses import replace
from datetime import timedelta
from typing import Any

from workflow.definition import (
    Absent,
    Ask,
    Call,
    Channel,
    Context,
    Done,
    Effect,
    Lookup,
    Resend,
    Retry,
    Transition,
    Undo,
    Workflow,
)


class Parcel:
    """What moves."""


class Status(enum.Enum):
    PACKED = "packed"
    SENT = "sent"
    LOST = "lost"


class Elsewhere(enum.Enum):
    """Statuses of another workflow."""

    SENT = "sent"


class Slip:
    """Stands for a form class."""


class OtherSlip:
    """Stands for another."""


def is_weighed(_: Context[Parcel]) -> None: ...


def is_stamped(_: Context[Parcel]) -> None: ...


def seal(_: Context[Parcel]) -> None: ...


def slip(_: Context[Parcel]) -> dict[str, Any]:
    return {"slip": 1}


def other_slip(_: Context[Parcel]) -> None:
    return None


def call(call: Call) -> Done:
    return Done(receipt={"key": call.key})


def recall(_: Call) -> Done:
    return Done()


def find(_: Call) -> Absent:
    return Absent()


PRINTER = Channel(name="printer")
CARRIER = Channel(name="carrier", concurrency=2, rate=5.0)
MAIL = Channel(name="mail")

LABEL: Effect[Any] = Effect(
    name="label",
    channel=PRINTER,
    request=slip,
    send=call,
    recovery=Resend(),
    undo=Undo(send=recall, recovery=Resend()),
)
COLLECT: Effect[Any] = Effect(
    name="collect",
    channel=CARRIER,
    request=slip,
    send=call,
    recovery=Lookup(ask=find, settles_after=timedelta(minutes=5)),
)
TELL: Effect[Any] = Effect(name="tell", channel=MAIL, request=slip, send=call, recovery=Ask())

SEND: Transition[Any, Any] = Transition(
    name="send",
    label="Send it",
    sources=(Status.PACKED,),
    target=Status.SENT,
    permission="parcels.send_parcel",
    guards=(is_weighed, is_stamped),
    form=Slip,
    before=(LABEL, COLLECT),
    apply=seal,
    after=(TELL,),
    retry=Retry(attempts=3),
)
LOSE: Transition[Any, Any] = Transition(
    name="lose",
    label="Give up",
    sources=(Status.SENT,),
    target=Status.LOST,
    automatic_after=timedelta(days=30),
)
PARCEL: Workflow[Any, Any] = Workflow(
    name="parcel",
    version=1,
    subject=Parcel,
    statuses=Status,
    initial=Status.PACKED,
    final=frozenset({Status.LOST}),
    transitions=(SEND, LOSE),
)


def parcel(**changed: Any) -> Workflow[Any, Any]:
    """Return the workflow with some of its own parts changed."""
    return replace(PARCEL, **changed)


def sending(**changed: Any) -> Workflow[Any, Any]:
    """Return the workflow with its first transition changed."""
    return replace(PARCEL, transitions=(replace(SEND, **changed), LOSE))


def losing(**changed: Any) -> Workflow[Any, Any]:
    """Return the workflow with its second transition changed."""
    return replace(PARCEL, transitions=(SEND, replace(LOSE, **changed)))


def labelling(**changed: Any) -> Workflow[Any, Any]:
    """Return the workflow with its first effect changed."""
    return sending(before=(replace(LABEL, **changed), COLLECT))
