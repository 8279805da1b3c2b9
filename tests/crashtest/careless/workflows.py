"""A payment that is declared as safe to send again, and is not."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workflow.definition import Channel, Context, Resend, Transition, Workflow, refuse, registry
from workflow.examples.declarations import effects
from workflow.examples.declarations.models import Declaration


class Status(enum.Enum):
    NEW = "new"
    PAID = "paid"
    NEVER = "never"


def payment(context: Context[Declaration]) -> Mapping[str, Any]:
    return {"reference": str(context.transition_id), "amount": "12.50"}


def never(context: Context[Declaration]) -> Any:
    return refuse("Not today.")


PAY = replace(
    effects.instruct_payment,
    channel=Channel(name="careless"),
    request=payment,
    recovery=Resend(),
)

CARELESS: Workflow[Declaration, Status] = Workflow(
    name="careless",
    version=1,
    subject=Declaration,
    statuses=Status,
    initial=Status.NEW,
    final=frozenset({Status.PAID, Status.NEVER}),
    transitions=(
        Transition(
            name="pay", label="Pay", sources=(Status.NEW,), target=Status.PAID, after=(PAY,)
        ),
        Transition(
            name="refuse", label="R", sources=(Status.NEW,), target=Status.NEVER, guards=(never,)
        ),
    ),
)

registry.register(CARELESS)
