"""What a transition writes on the declaration: who took the step, when, and what they added.

Each runs under lock with the guards' consent; what it changes is saved with the status, or not at
all. A submission wipes the approvals of the round before, because they were for something else.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model

from workflow.definition import Context
from workflow.examples.declarations.forms import (
    BudgetForm,
    CheckForm,
    PaymentForm,
    SubmissionForm,
    entered,
)
from workflow.examples.declarations.models import Declaration


def stamp_submission(context: Context[Declaration]) -> None:
    """Take over corrections and start a new round of approvals."""
    declaration = context.subject
    changes = entered(SubmissionForm, context.payload)
    declaration.amount = changes.get("amount", declaration.amount)
    declaration.receipts = changes.get("receipts", declaration.receipts)
    declaration.submitted_at = context.now
    declaration.approved_at = None
    declaration.payment_requested_at = None
    declaration.budget_reservation = ""
    declaration.payment_reference = ""
    declaration.pre_approver_id = None
    declaration.administrator_id = None
    declaration.budget_owner_id = None
    declaration.supervisor_id = None


def stamp_pre_approval(context: Context[Declaration]) -> None:
    """Note the pre-approver."""
    context.subject.pre_approver_id = _key(context)


def stamp_check(context: Context[Declaration]) -> None:
    """Note who in administration checked it, and the cost centre."""
    context.subject.administrator_id = _key(context)
    filled = entered(CheckForm, context.payload)
    context.subject.cost_centre = filled.get("cost_centre", context.subject.cost_centre)


def stamp_budget_approval(context: Context[Declaration]) -> None:
    """Note the budget owner, and the budget."""
    context.subject.budget_owner_id = _key(context)
    filled = entered(BudgetForm, context.payload)
    context.subject.budget_number = filled.get("budget_number", context.subject.budget_number)


def stamp_final_approval(context: Context[Declaration]) -> None:
    """Note the supervisor, the time from which it may be paid, and what was reserved for it."""
    context.subject.supervisor_id = _key(context)
    context.subject.budget_reservation = _proof(context, "reserve_budget", "reservation")
    context.subject.approved_at = context.now


def stamp_payment_request(context: Context[Declaration]) -> None:
    """Note when the payment was asked for, and the provider's reference."""
    context.subject.payment_requested_at = context.now
    context.subject.payment_reference = _proof(context, "instruct_payment", "payment")


def stamp_payment(context: Context[Declaration]) -> None:
    """Note when it was paid, and the reference, if it is another than the provider's."""
    filled = entered(PaymentForm, context.payload)
    context.subject.paid_at = context.now
    context.subject.payment_reference = filled.get(
        "payment_reference", context.subject.payment_reference
    )


def _proof(context: Context[Declaration], effect: str, name: str) -> str:
    """Return what a receipt says; nothing if a person settled the call without it."""
    return str(context.receipts.get(effect, {}).get(name, ""))[:64]


def _key(context: Context[Declaration]) -> Any:
    """Return the actor's primary key as the database has it; None for the system."""
    if context.actor.id is None:
        return None
    return get_user_model()._meta.pk.to_python(context.actor.id)
