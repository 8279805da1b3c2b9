"""Definitions with one fault each, and the words that tell it."""

from __future__ import annotations

import enum
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.definition.sample import (
    CARRIER,
    LABEL,
    LOSE,
    SEND,
    TELL,
    Elsewhere,
    Status,
    find,
    labelling,
    losing,
    parcel,
    sending,
)
from workflow.definition import (
    Breaker,
    Channel,
    Lookup,
    Retry,
    Transition,
    Undo,
    Wait,
    Workflow,
)


class Numbered(enum.Enum):
    PACKED = 1


class Blank(enum.Enum):
    PACKED = ""


class Long(enum.Enum):
    FITS = "s" * 64
    PACKED = "s" * 65


def of(statuses: Any) -> Workflow[Any, Any]:
    """Return a workflow of these statuses, in which only they are at fault."""
    first, *others = statuses
    ways = tuple(
        Transition(name=f"to_{n}", label="", sources=(first,), target=other)
        for n, other in enumerate(others)
    )
    final = frozenset(statuses)
    return parcel(statuses=statuses, initial=first, final=final, transitions=ways)


NAMING = "use lower case letters, digits and underscores"

FAULTS: list[tuple[Workflow[Any, Any], str]] = [
    (parcel(name="Parcel"), f"name 'Parcel': {NAMING}"),
    (parcel(name=""), f"name '': {NAMING}"),
    (parcel(name="p" * 65), f"name '{'p' * 65}': {NAMING}"),
    (parcel(name="2nd"), f"name '2nd': {NAMING}"),
    (parcel(name="parcel\n"), f"name 'parcel\\n': {NAMING}"),
    (parcel(version=0), "version 0: versions start at 1"),
    (
        parcel(transitions=(SEND, LOSE, replace(LOSE, label="again"))),
        "transition 'lose' is declared 2 times; names must differ",
    ),
    (losing(apart_from=("send", "gone")), "apart_from names 'gone', which is no transition of"),
    (losing(settled_apart=True), "settled_apart is set, but it has no effects that could be"),
    (sending(name="send-it"), f"transition 'send-it': {NAMING}"),
    (of(Numbered), "status <Numbered.PACKED: 1>: its value must be a text of 1 to 64 characters"),
    (of(Blank), "status <Blank.PACKED: ''>: its value must be a text of 1 to 64 characters"),
    (of(Long), f"status {Long.PACKED!r}: its value must be a text of 1 to 64 characters"),
    (
        parcel(initial=Elsewhere.SENT),
        "initial status <Elsewhere.SENT: 'sent'> is not one of Status",
    ),
    (
        parcel(final=frozenset({Status.LOST, Elsewhere.SENT})),
        "final status <Elsewhere.SENT: 'sent'> is not one of Status",
    ),
    (
        parcel(final=frozenset({Status.LOST, "lots"})),
        "final status 'lots' is not one of Status",
    ),
    (
        parcel(final=frozenset()),
        "status 'lost' is a dead end: nothing leaves it; declare it final",
    ),
    (losing(sources=(Status.PACKED,)), "status 'sent' is a dead end: nothing leaves it; declare"),
    (losing(target=Status.SENT), "status 'lost' is unreachable from 'packed'"),
    (parcel(initial=Status.SENT), "status 'packed' is unreachable from 'sent'"),
    (losing(sources=()), "transition 'lose': has no source status"),
    (
        losing(sources=(Status.SENT, "snet")),
        "transition 'lose': 'snet' is not one of Status",
    ),
    (
        sending(target=Elsewhere.SENT),
        "transition 'send': <Elsewhere.SENT: 'sent'> is not one of Status",
    ),
    (
        sending(permission="send_parcel"),
        "transition 'send': permission 'send_parcel' is not app_label.codename",
    ),
    (
        sending(permission="a.b.c"),
        "transition 'send': permission 'a.b.c' is not app_label.codename",
    ),
    (sending(guards=("weighed",)), "transition 'send': 'weighed' is not a function"),
    (sending(apply=3), "transition 'send': 3 is not a function"),
    (
        sending(automatic_after=timedelta(1)),
        "transition 'send': fires by itself and so can have no form",
    ),
    (
        sending(automatic_after=timedelta(1), signature="I have read it."),
        "transition 'send': fires by itself and so cannot be signed",
    ),
    *(
        (losing(**{limit: none}), f"transition 'lose': {limit} is {none}; it must be positive")
        for limit in ("timeout", "deadline", "automatic_after")
        for none in (timedelta(0), timedelta(seconds=-1))
    ),
    (sending(retry=Retry(attempts=0)), "retry.attempts is 0; at least 1 is needed"),
    (sending(retry=Retry(first=timedelta(0))), "retry.first is 0:00:00 and longest is 0:10:00;"),
    (
        sending(retry=Retry(longest=timedelta(seconds=1))),
        "retry.first is 0:00:02 and longest is 0:00:01; 0 < first <= longest is needed",
    ),
    (sending(retry=Retry(factor=0.5)), "retry.factor is 0.5; at least 1 is needed"),
    (
        sending(after=(TELL, replace(TELL, channel=CARRIER))),
        "effect 'tell' is declared 2 times; its name is part of its key",
    ),
    (
        sending(after=(replace(TELL, name="label"),)),
        "effect 'label' is declared 2 times; its name is part of its key",
    ),
    (labelling(name="Label"), f"effect 'Label': {NAMING}"),
    (labelling(recovery=None), "effect 'label': does not declare its recovery; say Resend(),"),
    (labelling(recovery="resend"), "effect 'label': does not declare its recovery; say Resend(),"),
    (labelling(send=None), "effect 'label': send None is not a function"),
    (labelling(request="slip"), "effect 'label': request 'slip' is not a function"),
    (labelling(undo=find), "is no Undo(send=..., recovery=...)"),
    (
        labelling(undo=Undo(send=find, recovery=None)),  # type: ignore[arg-type]
        "effect 'label': does not declare its undo.recovery; say Resend(),",
    ),
    (labelling(timeout=timedelta(0)), "effect 'label': timeout is 0:00:00; it must be positive"),
    (
        labelling(heartbeat=timedelta(minutes=1)),
        "effect 'label': heartbeat is 0:01:00; between 0 and its timeout is needed",
    ),
    (
        labelling(recovery=Lookup(ask=find, settles_after=timedelta(0))),
        "effect 'label': recovery: settles_after is 0:00:00; it must be positive",
    ),
    (
        labelling(wait=Wait(at_most=timedelta(days=1))),
        "effect 'label': wait has neither poll nor read, so that nothing could end it",
    ),
    (
        labelling(wait=Wait(at_most=timedelta(0), poll=find)),
        "wait: at_most is 0:00:00, every is 0:00:10; both must be positive",
    ),
    (labelling(channel="printer"), "effect 'label': channel 'printer' is no Channel(name=...)"),
    (labelling(channel=Channel(name="Old printer")), f"channel 'Old printer': {NAMING}"),
    (
        labelling(channel=Channel(name="printer", concurrency=0)),
        "channel 'printer': concurrency is 0; at least 1 is needed",
    ),
    (
        labelling(channel=Channel(name="printer", rate=0)),
        "channel 'printer': rate is 0; it must be positive",
    ),
    (
        labelling(channel=Channel(name="printer", breaker=Breaker(failures=0))),
        "channel 'printer': breaker.failures is 0; at least 1 is needed",
    ),
    (
        labelling(channel=Channel(name="printer", breaker=Breaker(longest=timedelta(0)))),
        "channel 'printer': 0 < breaker.first <= breaker.longest is needed",
    ),
    (
        sending(after=(replace(LABEL, name="late"),)),
        "effect 'late' has an undo, but runs after the transition has fired,",
    ),
]
