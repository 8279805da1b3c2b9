"""A workflow whose guard does what the payload says: hold, kill its own process, refuse, fail.

Guards do no I/O; this one does, since it stands for all that can go wrong inside a worker. Its
statuses have timers, so that firing `open` also stops one and sets one.
"""

from __future__ import annotations

import enum
import os
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django import forms

from tests.crash.desk.dispatch import DISPATCH
from workflow.definition import Context, Retry, Retryable, Transition, Workflow, refuse, registry
from workflow.examples.declarations.models import Declaration

_HELD_AT_MOST = 60.0


class Status(enum.Enum):
    NEW = "new"
    OPEN = "open"
    DONE = "done"


class ActForm(forms.Form):
    act = forms.ChoiceField(choices=[(act, act) for act in ("hold", "die", "refuse", "fail")])
    sign = forms.CharField(required=False)


def act(context: Context[Declaration]) -> Any:
    """Do what the payload says. `sign` is a file by which a test is told where it is."""
    sign = Path(context.payload.get("sign") or "/nowhere")
    match context.payload["act"]:
        case "hold":
            sign.write_text(str(os.getpid()))
            until = time.monotonic() + _HELD_AT_MOST
            while sign.exists() and time.monotonic() < until:
                time.sleep(0.005)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "refuse":
            return refuse("No.")
        case "fail":
            raise Retryable("not today")
    return None


def count(context: Context[Declaration]) -> None:
    context.subject.receipts += 1


RETRY = Retry(attempts=3, first=timedelta(seconds=0.2), longest=timedelta(seconds=1))
LONG = timedelta(days=30)

DESK: Workflow[Declaration, Status] = Workflow(
    name="desk",
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
            apply=count,
            retry=RETRY,
            timeout=timedelta(seconds=0.9),
        ),
        Transition(
            name="act",
            label="Act",
            sources=(Status.NEW,),
            target=Status.OPEN,
            form=ActForm,
            guards=(act,),
            apply=count,
            retry=RETRY,
            timeout=timedelta(seconds=60),
        ),
        Transition(
            name="lapse",
            label="Lapse",
            sources=(Status.NEW,),
            target=Status.DONE,
            automatic_after=LONG,
        ),
        Transition(
            name="expire",
            label="Expire",
            sources=(Status.OPEN,),
            target=Status.DONE,
            automatic_after=LONG,
        ),
    ),
)

__all__ = ["DESK", "DISPATCH"]

registry.register(DESK)
