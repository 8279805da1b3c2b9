"""Asking for the desk's transitions outside of a test, and seeing who did them."""

from __future__ import annotations

import itertools
import socket
from decimal import Decimal

from django.contrib.auth.models import User

from tests.crash.desk.workflows import DESK
from tests.crash.polling import until
from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.start import New, start_many
from workflow.engine.submit import submit_many
from workflow.examples.declarations.models import Declaration
from workflow.models import Attempt, State, TransitionEnvelope

_numbers = itertools.count(1)


def ask(count: int) -> None:
    """Start so many records, and ask for a transition of each."""
    user, _ = User.objects.get_or_create(username="ann")
    now = clock.now()
    new = []
    for number in itertools.islice(_numbers, count):
        subject = Declaration(
            claimant=user,
            number=f"A-{number}",
            purpose="a journey",
            amount=Decimal("12.50"),
            expense_date=now.date(),
            declared_on=now.date(),
        )
        new.append(New(subject=subject, reference=subject.number))
    records = start_many(workflow=DESK, new=new, user=user, now=now)
    requests = [Request(record=each.pk, transition="open", user=user) for each in records]
    submit_many(requests=requests, now=clock.now())


def await_all(*, seconds: float) -> None:
    """Wait until nothing that was asked for is left to do."""
    left = TransitionEnvelope.objects.exclude(origin="timer").exclude(state=State.FIRED)
    until(lambda: not left.exists(), seconds=seconds, what="all fired")


def done_by(supervisor: int) -> int:
    """Return how many attempts a cluster's workers have ended."""
    return Attempt.objects.filter(worker__startswith=_prefix(supervisor)).count()


def held_by(supervisor: int) -> int:
    """Return how many envelopes a cluster's workers hold."""
    held = TransitionEnvelope.objects.filter(state=State.RUNNING)
    return held.filter(worker__startswith=_prefix(supervisor)).count()


def _prefix(supervisor: int) -> str:
    return f"{socket.gethostname()}.{supervisor}."
