"""What a person is offered: whom a guard turns away whatever they fill in, and whom it may not."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.workflow.examples.conftest import Draft, Person
from workflow.engine import clock
from workflow.examples.declarations.models import Declaration
from workflow.models import Record
from workflow.queries.inbox import as_waiting
from workflow.queries.options import Answer, Option, options

pytestmark = pytest.mark.django_db


def option(declaration: Declaration, name: str, user: User, status: str = "") -> Option:
    record: Any = declaration.record
    record.status = status or record.status  # as it would stand; nothing is saved
    now = clock.now()
    found = options(record=record, subject=declaration, user=user, in_flight=None, now=now)
    return next(each for each in found if each.name == name)


def test_a_step_that_no_form_can_open_is_not_offered(draft: Draft, person: Person) -> None:
    """Submitting has a form, and it is no way around whose declaration it is."""
    told = option(draft(), "submit", person("EMPLOYEE"))
    assert (told.answer, told.has_form) == (Answer.WOULD_REFUSE, True)
    assert told.foresight.is_settled
    assert not told.may_be_asked
    assert told.refusals[0].code == "not_claimant"


def test_one_that_a_form_may_open_is(draft: Draft, person: Person) -> None:
    declaration = draft(budget_number="")
    told = option(
        declaration, "approve_budget", person("BUDGET OWNER"), "approved_by_administration"
    )
    assert told.answer is Answer.WOULD_REFUSE
    assert not told.foresight.is_settled
    assert told.may_be_asked


def test_the_inbox_says_why_where_nothing_is_offered(draft: Draft, person: Person) -> None:
    record = Record.objects.get(pk=draft().record_id)
    (waiting,) = as_waiting([record], person("EMPLOYEE"), now=clock.now())
    assert waiting.transitions == ()
    assert "Only the employee" in waiting.why_not
