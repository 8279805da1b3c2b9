"""What is measured: declarations that are approved, with one HTTP call each or with none.

They can be reopened without one, so that a measurement may go on for as long as it likes.

It exists in the benchmark's own processes alone, which are told by `BENCHMARK_SINK`.
"""

from __future__ import annotations

import enum
import os
from datetime import timedelta
from typing import Any

from workflow.definition import (
    Breaker,
    Call,
    Channel,
    Context,
    Effect,
    Refusal,
    Resend,
    Result,
    Transition,
    Workflow,
    registry,
)
from workflow.effects.http import deliver
from workflow.examples.declarations.models import Declaration

SINK = "BENCHMARK_SINK"
"""Variable with the sink's URL, or `none`: approvals then call nobody."""

NAME = "benchmark"
CHANNEL = "benchmark"


class Status(enum.Enum):
    """Two are enough."""

    SUBMITTED = "submitted"
    APPROVED = "approved"


def register() -> None:
    """Register the workflow, if this is a process of the benchmark."""
    sink = os.environ.get(SINK)
    if sink:
        registry.register(_workflow(() if sink == "none" else (_notify(sink),)))


def _workflow(after: tuple[Effect[Declaration], ...]) -> Workflow[Declaration, Status]:
    return Workflow(
        name=NAME,
        version=1,
        subject=Declaration,
        statuses=Status,
        initial=Status.SUBMITTED,
        final=frozenset(),
        transitions=(
            Transition(
                name="approve",
                label="Approve",
                sources=(Status.SUBMITTED,),
                target=Status.APPROVED,
                guards=(_has_amount,),
                apply=_stamp,
                after=after,
            ),
            Transition(
                name="reopen",
                label="Reopen",
                sources=(Status.APPROVED,),
                target=Status.SUBMITTED,
            ),
        ),
    )


def _has_amount(context: Context[Declaration]) -> Refusal | None:
    if context.subject.amount > 0:
        return None
    return Refusal(code="no_amount", message="There is nothing to approve.")


def _stamp(context: Context[Declaration]) -> None:
    context.subject.approved_at = context.now


def _notify(url: str) -> Effect[Declaration]:
    def send(call: Call) -> Result:
        return deliver(call, url=url)

    return Effect(
        name="notify",
        channel=Channel(name=CHANNEL, concurrency=256, breaker=Breaker(failures=1_000_000)),
        request=_request,
        send=send,
        recovery=Resend(),
        timeout=timedelta(seconds=10),
    )


def _request(context: Context[Declaration]) -> dict[str, Any]:
    return {"declaration": context.subject.number, "amount": str(context.subject.amount)}
