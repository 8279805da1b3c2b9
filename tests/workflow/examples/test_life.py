"""A declaration's life through the engine: stamps, rounds, refusals, time."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.workflow.examples.conftest import Draft, Person
from workflow.engine import clock
from workflow.engine.answer import Accepted
from workflow.engine.request import Request
from workflow.engine.submit import submit
from workflow.examples.declarations.limits import LAPSES_AFTER
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.statuses import Status
from workflow.models import State, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def ask(declaration: Declaration, transition: str, user: User, **more: Any) -> TransitionEnvelope:
    assert declaration.record is not None
    answer = submit(
        request=Request(record=declaration.record.pk, transition=transition, user=user, **more),
        now=clock.now(),
    )
    if isinstance(answer, Accepted):
        drain()
    return TransitionEnvelope.objects.get(pk=answer.envelope.pk)


def now_at(declaration: Declaration) -> Declaration:
    return Declaration.objects.select_related("record").get(pk=declaration.pk)


def test_the_long_way_to_payment_stamps_everybody(
    draft: Draft, employee: User, person: Person
) -> None:
    declaration = draft(budget_number="")
    clerk, owner = person("ADMINISTRATION"), person("BUDGET OWNER")
    supervisor, payments = person("SUPERVISOR"), person("PAYMENTS")

    ask(declaration, "submit", employee, payload={"amount": "99.50", "receipts": 3})
    ask(declaration, "check", clerk, payload={"cost_centre": "C-12"})
    ask(declaration, "approve_budget", owner, payload={"budget_number": "B-77"})
    ask(declaration, "approve_final", supervisor)
    ask(declaration, "request_payment", payments)
    ask(declaration, "confirm_payment", payments, payload={"payment_reference": "SEPA 1"})

    declaration = now_at(declaration)
    assert declaration.status == Status.PAYMENT_HANDLED
    assert declaration.amount == Decimal("99.50")
    assert declaration.receipts == 3
    assert (declaration.administrator, declaration.cost_centre) == (clerk, "C-12")
    assert (declaration.budget_owner, declaration.budget_number) == (owner, "B-77")
    assert declaration.supervisor == supervisor
    assert declaration.payment_reference == "SEPA 1"
    assert declaration.submitted_at < declaration.approved_at < declaration.paid_at


def test_every_unmet_guard_is_reported(draft: Draft, employee: User, person: Person) -> None:
    declaration = draft(amount=Decimal("3000.00"), receipts=0)
    ask(declaration, "submit", employee)

    refused = ask(declaration, "approve_final", person("SUPERVISOR"))

    assert refused.state == State.REFUSED
    assert "No receipt is attached" in refused.message
    assert "Over 2500" in refused.message
    assert now_at(declaration).status == Status.SUBMITTED


def test_a_new_submission_wipes_the_approvals_before(
    draft: Draft, employee: User, person: Person
) -> None:
    declaration = draft()
    ask(declaration, "submit", employee)
    ask(declaration, "check", person("ADMINISTRATION"))
    ask(declaration, "reject_as_supervisor", person("SUPERVISOR"), reason="Wrong day")
    assert now_at(declaration).administrator is not None

    ask(declaration, "submit", employee)

    assert now_at(declaration).administrator is None


def test_a_supervisor_does_not_approve_the_own_declaration(person: Person, draft: Draft) -> None:
    user = person("SUPERVISOR")
    user.groups.add(*person("EMPLOYEE").groups.all())
    declaration = draft(claimant=user)
    ask(declaration, "submit", user)

    refused = ask(declaration, "approve_final", user)

    assert (refused.state, refused.code) == (State.REFUSED, "four_eyes")


def test_without_the_permission_nothing_moves(draft: Draft, employee: User) -> None:
    declaration = draft()
    ask(declaration, "submit", employee)

    refused = ask(declaration, "approve_final", employee)

    assert (refused.state, refused.code) == (State.REFUSED, "permission_denied")


def test_withdrawing_is_for_good(draft: Draft, employee: User) -> None:
    declaration = draft()
    ask(declaration, "withdraw", employee, reason="Not needed")

    refused = ask(declaration, "submit", employee)

    assert now_at(declaration).status == Status.WITHDRAWN
    assert refused.code == "wrong_status"


def test_a_saved_declaration_lapses_unless_it_moves_on(draft: Draft, employee: User) -> None:
    left, moved = draft(), draft()
    for declaration in (left, moved):
        ask(declaration, "save", employee)
    ask(moved, "submit", employee)

    drain(ahead=LAPSES_AFTER + timedelta(minutes=1))

    assert now_at(left).status == Status.WITHDRAWN
    assert now_at(moved).status == Status.SUBMITTED
