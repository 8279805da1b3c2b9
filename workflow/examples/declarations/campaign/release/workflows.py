"""The workflow that a campaign tries: a record goes round and round, and calls all downstreams.

Each release has one version more, and those before it, as when a definition is changed and
requests of the old one are still on their way. Recoveries of every kind are in it, and waits are
short.
"""

from __future__ import annotations

import enum
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings

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

NAME = "campaign"

STALL = 2.5
"""Seconds after which the simulated downstreams do what lands late."""

SETTLES_AFTER = timedelta(seconds=12)
"""Longer than a late call takes to land, and than any process is frozen: see `faults.freeze`."""

_BREAKER = Breaker(failures=12, first=timedelta(seconds=1), longest=timedelta(seconds=3))
_RETRY = Retry(attempts=2, first=timedelta(seconds=0.3), longest=timedelta(seconds=2))
_TIMEOUT = timedelta(seconds=1)


class Status(enum.Enum):
    """Where a record of the campaign may stand."""

    OPEN = "open"
    TAKEN = "taken"
    PAID = "paid"
    CLOSED = "closed"


def about(context: Context[Declaration]) -> dict[str, Any]:
    """Return what every downstream is told; each reads its own part."""
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


def in_order(context: Context[Declaration]) -> dict[str, Any]:
    """Tell the feed which record it is, so that it notices what comes out of order."""
    return about(context) | {"reference": context.subject.number}


def too_much(context: Context[Declaration]) -> dict[str, Any]:
    """Ask for more than is ever paid at once: the provider declines it."""
    return about(context) | {"amount": "999999999.00"}


def count(context: Context[Declaration]) -> None:
    """Count in the record's own fields how often it moved."""
    context.subject.receipts += 1


def _quick(effect: Effect[Declaration], **more: Any) -> Effect[Declaration]:
    channel = Channel(name=f"campaign_{effect.channel.name}", breaker=_BREAKER)
    usual: dict[str, Any] = {
        "channel": channel,
        "request": about,
        "retry": _RETRY,
        "timeout": _TIMEOUT,
    }
    return replace(effect, **usual | more)


RESERVE = _quick(effects.reserve_budget)
PAY = _quick(
    effects.instruct_payment,
    recovery=Lookup(ask=effects.ask_payment, settles_after=SETTLES_AFTER),
)
REPORT = _quick(effects.publish_report, request=in_order)
LETTER = _quick(effects.registered_letter)


def _move(
    name: str, source: Status, target: Status, **parts: Any
) -> Transition[Declaration, Status]:
    return Transition(
        name=name,
        label=name.capitalize(),
        sources=(source,),
        target=target,
        apply=count,
        retry=_RETRY,
        timeout=timedelta(seconds=2),
        **parts,
    )


def workflow(version: int) -> Workflow[Declaration, Status]:
    """Return one version; its successors have another label, and so another fingerprint."""
    return Workflow(
        name=NAME,
        version=version,
        subject=Declaration,
        statuses=Status,
        initial=Status.OPEN,
        final=frozenset({Status.CLOSED}),
        transitions=(
            _move("take", Status.OPEN, Status.TAKEN),
            _move("put_back", Status.TAKEN, Status.OPEN, after=(REPORT,)),
            _move("lapse", Status.TAKEN, Status.OPEN, automatic_after=timedelta(seconds=20)),
            _move("pay", Status.OPEN, Status.PAID, before=(RESERVE, PAY), after=(REPORT,)),
            _move(
                "overpay",
                Status.OPEN,
                Status.PAID,
                before=(RESERVE, replace(PAY, request=too_much)),
            ),
            _move("tell", Status.PAID, Status.OPEN, after=(REPORT, LETTER)),
            _move("close", Status.OPEN, Status.CLOSED),
        ),
    )


for _version in range(1, getattr(settings, "RELEASE", 1) + 1):
    registry.register(workflow(_version))
