"""A workflow that calls the simulated downstreams, with recoveries of every kind."""

from __future__ import annotations

import enum
from dataclasses import replace
from datetime import timedelta
from typing import Any

from workflow.definition import (
    Breaker,
    Channel,
    Context,
    Effect,
    Lookup,
    Retry,
    Transition,
    Workflow,
    registry,
)
from workflow.examples.declarations import effects
from workflow.examples.declarations.models import Declaration

BREAKER = Breaker(failures=1000)
RETRY = Retry(attempts=50, first=timedelta(seconds=0.2), longest=timedelta(seconds=1))
SETTLES = timedelta(seconds=1)


class Status(enum.Enum):
    NEW = "new"
    SENT = "sent"


def about(context: Context[Declaration]) -> dict[str, Any]:
    return {
        "reference": str(context.transition_id),
        "budget": "B-1",
        "amount": "12.50",
        "addressee": "somebody",
        "subject": "A letter",
        "place": context.version + 1,
        "status": context.target,
        "at": context.now.isoformat(),
    }


def too_much(context: Context[Declaration]) -> dict[str, Any]:
    """More than is ever paid at once: the provider declines it."""
    return about(context) | {"amount": "999999999.00"}


def quick(effect: Effect[Declaration], **more: Any) -> Effect[Declaration]:
    channel = Channel(name=f"desk_{effect.channel.name}", breaker=BREAKER)
    return replace(
        effect,
        **{
            "channel": channel,
            "request": about,
            "retry": RETRY,
            "timeout": timedelta(seconds=1),
            **more,
        },
    )


RESERVE = quick(effects.reserve_budget)
PAY = quick(
    effects.instruct_payment, recovery=Lookup(ask=effects.ask_payment, settles_after=SETTLES)
)
REPORT = quick(effects.publish_report)
LETTER = quick(effects.registered_letter)


def count(context: Context[Declaration]) -> None:
    context.subject.receipts += 1


def sending(name: str, **parts: Any) -> Transition[Declaration, Status]:
    return Transition(
        **{
            "name": name,
            "label": name,
            "sources": (Status.NEW,),
            "target": Status.SENT,
            "before": (RESERVE, PAY),
            "apply": count,
            "after": (REPORT, LETTER),
            "retry": RETRY,
            "timeout": timedelta(seconds=0.9),
            **parts,
        }
    )


DISPATCH: Workflow[Declaration, Status] = Workflow(
    name="dispatch",
    version=1,
    subject=Declaration,
    statuses=Status,
    initial=Status.NEW,
    final=frozenset({Status.SENT}),
    transitions=(
        sending("send"),
        sending("pay", before=(PAY,), after=()),
        sending("overpay", before=(RESERVE, replace(PAY, request=too_much))),
    ),
)

registry.register(DISPATCH)
