"""Many requests at once, for tests of what much work does."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib.auth.models import User

from workflow.definition import Workflow
from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.start import New, start_many
from workflow.engine.submit import submit_many
from workflow.examples.declarations.models import Declaration

_numbers = itertools.count(1)


def ask_many(*, workflow: Workflow[Any, Any], transition: str, user: User, count: int) -> None:
    """Start so many records, and ask for a transition of each."""
    today = clock.now().date()
    new = []
    for number in itertools.islice(_numbers, count):
        subject = Declaration(
            claimant=user,
            number=f"M-{number}",
            purpose="a journey",
            amount=1,
            expense_date=today,
            declared_on=today,
        )
        new.append(New(subject=subject, reference=f"M-{number}"))
    records = start_many(workflow=workflow, new=new, user=user, now=clock.now())
    requests = [Request(record=each.pk, transition=transition, user=user) for each in records]
    submit_many(requests=requests, now=clock.now())
