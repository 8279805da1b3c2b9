"""What is sent downstream about a declaration, decided under lock and then fixed.

Pure, like guards: each looks at the declaration and the request, and returns a JSON object; None
where there is nothing to send. Those of effects that come after a transition see what its `apply`
has written.
"""

from __future__ import annotations

from typing import Any

from workflow.definition import Context
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.statuses import Status

JSON = dict[str, Any]


def reservation(context: Context[Declaration]) -> JSON:
    """Ask for the money before somebody promises it."""
    declaration = context.subject
    return {
        "reference": declaration.reference,
        "budget": declaration.budget_number or declaration.cost_centre or "unassigned",
        "amount": str(declaration.amount),
    }


def payment(context: Context[Declaration]) -> JSON:
    """Say whom to pay how much."""
    declaration = context.subject
    return {
        "reference": declaration.reference,
        "amount": str(declaration.amount),
        "currency": declaration.currency,
        "beneficiary": f"employee {declaration.claimant_id}",
    }


def release(context: Context[Declaration]) -> JSON | None:
    """Give back what was reserved for the round that was stopped."""
    reserved = context.subject.budget_reservation
    return {"reservation": reserved} if reserved else None


def report(context: Context[Declaration]) -> JSON | None:
    """Report a declaration's way from its first submission on."""
    declaration = context.subject
    if declaration.submitted_at is None:
        return None
    return {
        "reference": declaration.reference,
        "place": context.version + 1,
        "status": context.target,
        "amount": str(declaration.amount),
        "at": context.now.isoformat(),
    }


def letter(context: Context[Declaration]) -> JSON:
    """Tell by registered letter that nothing will be paid: a time limit begins with it."""
    declaration = context.subject
    return {
        "reference": declaration.reference,
        "addressee": f"employee {declaration.claimant_id}",
        "subject": f"Your declaration {declaration.number} will not be paid",
        "reason": context.reason,
    }


def notice(context: Context[Declaration]) -> JSON | None:
    """Tell the claimant by mail, if there is an address."""
    declaration = context.subject
    address = declaration.claimant.email
    if not address:
        return None
    what = _TOLD.get(context.target, "was rejected")
    about = f"{declaration.purpose}, {declaration.amount} {declaration.currency}"
    body = f"Your declaration {declaration.number} ({about}) {what}.\n"
    if context.reason:
        body += f"\nReason: {context.reason}\n"
    return {
        "to": address,
        "subject": f"Declaration {declaration.number} {what}",
        "body": body,
    }


_TOLD: dict[str, str] = {
    Status.FINAL_APPROVED: "was approved",
    Status.PAYMENT_HANDLED: "has been paid",
    Status.REJECTED_BY_MISSING: "was stopped",
}
