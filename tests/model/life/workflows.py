"""Calls of every recovery before and after, a downstream that declines, a guard, a timer."""

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
    refuse,
    registry,
)
from workflow.examples.declarations import effects
from workflow.examples.declarations.models import Declaration

RETRY = Retry(attempts=4, first=timedelta(seconds=1), longest=timedelta(seconds=8))


class Status(enum.Enum):
    NEW = "new"
    OPEN = "open"
    DONE = "done"


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
    channel = Channel(
        name=f"life_{effect.channel.name}",
        breaker=Breaker(failures=4, first=timedelta(seconds=5), longest=timedelta(seconds=20)),
    )
    parts = {"channel": channel, "request": about, "retry": RETRY, "timeout": timedelta(seconds=2)}
    return replace(effect, **{**parts, **more})


RESERVE = quick(effects.reserve_budget)
PAY = quick(
    effects.instruct_payment,
    recovery=Lookup(ask=effects.ask_payment, settles_after=timedelta(seconds=5)),
)
REPORT = quick(effects.publish_report)
LETTER = quick(effects.registered_letter)


def never(context: Context[Declaration]) -> Any:
    return refuse("Never.")


def count(context: Context[Declaration]) -> None:
    context.subject.receipts += 1


def step(name: str, *way: Status, **parts: Any) -> Transition[Any, Status]:
    *sources, target = way
    return Transition(
        name=name,
        label=name,
        sources=tuple(sources),
        target=target,
        apply=count,
        retry=RETRY,
        **parts,
    )


LIFE: Workflow[Declaration, Status] = Workflow(
    name="life",
    version=1,
    subject=Declaration,
    statuses=Status,
    initial=Status.NEW,
    final=frozenset({Status.DONE}),
    transitions=(
        step(
            "send",
            Status.NEW,
            Status.OPEN,
            Status.OPEN,
            before=(RESERVE, PAY),
            after=(REPORT, LETTER),
        ),
        step(
            "overpay",
            Status.NEW,
            Status.OPEN,
            Status.OPEN,
            before=(RESERVE, replace(PAY, request=too_much)),
        ),
        step("report", Status.OPEN, Status.OPEN, after=(REPORT,)),
        step("never", Status.OPEN, Status.DONE, guards=(never,)),
        step("close", Status.OPEN, Status.DONE),
        step("expire", Status.OPEN, Status.DONE, automatic_after=timedelta(days=2)),
    ),
)

registry.register(LIFE)
