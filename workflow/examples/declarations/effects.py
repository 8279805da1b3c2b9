"""What the department's other systems are asked to do, and what each of them is like.

Whether a call may be repeated is a fact about the system that gets it. The payment provider pays
twice if it is told twice, but can be asked whether an instruction came. The budget ledger and the
reporting feed honour our key. The letter provider does neither, so that after a crash a person has
to look. `manage.py simulate_downstreams` plays all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings

from workflow.definition import (
    Ask,
    Breaker,
    Call,
    Channel,
    Done,
    Effect,
    Found,
    Lookup,
    Resend,
    Result,
    Retry,
    Undo,
)
from workflow.effects.email import email
from workflow.effects.http import ask, deliver
from workflow.examples.declarations import requests
from workflow.examples.declarations.models import Declaration

_BREAKER = Breaker(failures=8, first=timedelta(seconds=2), longest=timedelta(seconds=30))

BUDGET = Channel(name="budget", breaker=_BREAKER)
PAYMENTS = Channel(name="payments", breaker=_BREAKER)
REPORTING = Channel(name="reporting", breaker=_BREAKER)
LETTERS = Channel(name="letters", concurrency=2, breaker=_BREAKER)
MAIL = Channel(name="mail", concurrency=4, breaker=_BREAKER)

TIMEOUT = timedelta(seconds=2)
"""The simulators answer within milliseconds, or not at all."""

SETTLES_AFTER = timedelta(seconds=10)
"""By then a payment that was sent is booked, or never will be. This has to be the provider's word;
the simulated one lands late calls three seconds after they came."""

RETRY = Retry(attempts=12, first=timedelta(seconds=1), longest=timedelta(minutes=1))


def _at(path: str) -> str:
    return f"{settings.DECLARATIONS_DOWNSTREAM_URL.rstrip('/')}/{path}"


def send_reservation(call: Call) -> Result:
    """Reserve; a budget that is used up refuses the approval, in the ledger's words."""
    return deliver(call, url=_at("budget/reservations"), read=_reserved, declines={409})


def _reserved(found: Mapping[str, Any]) -> Result:
    return Done(receipt={"reservation": str(found["reservation"])})


def undo_reservation(call: Call) -> Result:
    """Release what was reserved for an approval that did not come about."""
    body = {"reservation": call.receipt["reservation"]}
    return deliver(call, url=_at("budget/releases"), body=body)


def send_release(call: Call) -> Result:
    """Release what was reserved for an approval that was taken back."""
    return deliver(call, url=_at("budget/releases"))


def send_payment(call: Call) -> Result:
    """Pay."""
    return deliver(call, url=_at("payments/instructions"), read=_paid, declines={422})


def ask_payment(call: Call) -> Found:
    """Ask whether the instruction came."""
    return ask(call, url=_at(f"payments/instructions/{quote(call.key, safe='')}"), read=_paid)


def _paid(found: Mapping[str, Any]) -> Result:
    return Done(receipt={"payment": str(found["payment"])})


def send_report(call: Call) -> Result:
    """Report."""
    return deliver(call, url=_at("reporting/entries"))


def send_letter(call: Call) -> Result:
    """Post a letter, over a connection of its own: a doubt costs a person's time."""
    return deliver(call, url=_at("letters"), is_fresh=True)


reserve_budget: Effect[Declaration] = Effect(
    name="reserve_budget",
    channel=BUDGET,
    request=requests.reservation,
    send=send_reservation,
    recovery=Resend(),
    undo=Undo(send=undo_reservation, recovery=Resend()),
    retry=RETRY,
    timeout=TIMEOUT,
)

instruct_payment: Effect[Declaration] = Effect(
    name="instruct_payment",
    channel=PAYMENTS,
    request=requests.payment,
    send=send_payment,
    recovery=Lookup(ask=ask_payment, settles_after=SETTLES_AFTER),
    retry=RETRY,
    timeout=TIMEOUT,
)

release_budget: Effect[Declaration] = Effect(
    name="release_budget",
    channel=BUDGET,
    request=requests.release,
    send=send_release,
    recovery=Resend(),
    retry=RETRY,
    timeout=TIMEOUT,
)

publish_report: Effect[Declaration] = Effect(
    name="publish_report",
    channel=REPORTING,
    request=requests.report,
    send=send_report,
    recovery=Resend(),
    retry=RETRY,
    timeout=TIMEOUT,
)

registered_letter: Effect[Declaration] = Effect(
    name="registered_letter",
    channel=LETTERS,
    request=requests.letter,
    send=send_letter,
    recovery=Ask(),
    retry=RETRY,
    timeout=TIMEOUT,
)

notify_claimant: Effect[Declaration] = email(
    name="notify_claimant",
    channel=MAIL,
    message=requests.notice,
    # A second copy of a notice, under the same Message-ID, costs nobody anything.
    recovery=Resend(),
    retry=RETRY,
    timeout=timedelta(seconds=10),
)
