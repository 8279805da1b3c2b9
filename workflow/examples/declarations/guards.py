"""When a finance department says no.

Each guard looks at the declaration as it stands and at the request, at nothing else, and answers
with what it compared. All guards of a transition are asked, so one refusal names every reason.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from workflow.definition import Allowed, Context, Refusal, allow, refuse
from workflow.examples.declarations.forms import BudgetForm, entered
from workflow.examples.declarations.limits import (
    APPROVAL_LIMITS,
    DECLARE_WITHIN,
    RECEIPTS_NEEDED,
)
from workflow.examples.declarations.models import Declaration

Answer = Allowed | Refusal


def claimant_asks(context: Context[Declaration]) -> Answer:
    """Let only the employee who made the declaration take an employee's steps."""
    claimant = str(context.subject.claimant_id)
    if context.actor.id == claimant:
        return allow(required=f"user {claimant}", actual=f"user {context.actor.id}")
    return refuse(
        _("Only the employee who made this declaration may do that."),
        required=f"user {claimant}",
        actual=f"user {context.actor.id or 'system'}",
        code="not_claimant",
    )


def approver_is_not_claimant(context: Context[Declaration]) -> Answer:
    """Hold to four eyes: a person decides, and not about their own money."""
    claimant = str(context.subject.claimant_id)
    if context.actor.id is None:
        return refuse(
            _("The system cannot approve a declaration; a person has to."),
            required=_("a person"),
            actual=_("system"),
            code="four_eyes",
        )
    if context.actor.id == claimant:
        return refuse(
            _("You made this declaration; somebody else has to decide about it."),
            required=f"≠ user {claimant}",
            actual=f"user {context.actor.id}",
            code="four_eyes",
        )
    return allow(required=f"≠ user {claimant}", actual=f"user {context.actor.id}")


def approver_is_new(context: Context[Declaration]) -> Answer:
    """Let nobody give both an earlier approval and the final one."""
    before = [
        str(person)
        for person in (
            context.subject.pre_approver_id,
            context.subject.administrator_id,
            context.subject.budget_owner_id,
        )
        if person is not None
    ]
    required = f"≠ user {', '.join(before)}" if before else _("no earlier approval")
    if context.actor.id in before:
        return refuse(
            _(
                "You have approved this declaration already; somebody else has to approve it"
                " finally."
            ),
            required=required,
            actual=f"user {context.actor.id}",
            code="approved_before",
        )
    return allow(required=required, actual=f"user {context.actor.id}")


def amount_is_positive(context: Context[Declaration]) -> Answer:
    """Pay something, or nothing at all.

    Asked where money is about to move. The public log has 440 declarations of amount 0; some were
    approved, and none was paid.
    """
    amount = context.subject.amount
    if amount > 0:
        return allow(required=_("more than 0"), actual=amount)
    return refuse(
        _("There is nothing to pay; stop this declaration or have the amount corrected."),
        required=_("more than 0"),
        actual=amount,
        code="nothing_to_pay",
    )


def amount_is_within_limit(context: Context[Declaration]) -> Answer:
    """Bound what may be approved by who has looked at it before."""
    amount = context.subject.amount
    limit = APPROVAL_LIMITS[context.status]
    if amount <= limit:
        return allow(required=f"≤ {limit}", actual=amount)
    return refuse(
        _(
            "Over %(limit)s %(currency)s, others have to approve first: administration, then the"
            " budget owner."
        ),
        facts={"limit": limit, "currency": context.subject.currency},
        required=f"≤ {limit}",
        actual=amount,
        code="over_limit",
    )


def has_receipts(context: Context[Declaration]) -> Answer:
    """Ask for proof of what was spent."""
    receipts = context.subject.receipts
    if receipts >= RECEIPTS_NEEDED:
        return allow(required=f"≥ {RECEIPTS_NEEDED}", actual=receipts)
    return refuse(
        _("No receipt is attached; attach one and submit again."),
        required=f"≥ {RECEIPTS_NEEDED}",
        actual=receipts,
        code="no_receipts",
    )


def has_budget_number(context: Context[Declaration]) -> Answer:
    """Ask on which budget the expense falls before its owner agrees."""
    number = entered(BudgetForm, context.payload).get(
        "budget_number", context.subject.budget_number
    )
    if number:
        return allow(required=_("a budget number"), actual=number)
    return refuse(
        _("No budget number is given; fill it in with the approval."),
        required=_("a budget number"),
        actual=_("none"),
        code="no_budget_number",
    )


def declared_in_time(context: Context[Declaration]) -> Answer:
    """Accept expenses that were declared soon enough, and no journey of the future."""
    declared, journey = context.subject.declared_on, context.subject.expense_date
    age = declared - journey
    required = f"0 ≤ days ≤ {DECLARE_WITHIN.days}"
    actual = f"{age.days} ({journey} → {declared})"
    if age.days < 0:
        return refuse(
            _("The journey lies in the future; declare it once the money is spent."),
            required=required,
            actual=actual,
            code="not_yet_spent",
        )
    if age > DECLARE_WITHIN:
        return refuse(
            _("The journey was more than %(days)s days before it was declared."),
            facts={"days": DECLARE_WITHIN.days},
            required=required,
            actual=actual,
            code="too_old",
        )
    return allow(required=required, actual=actual)
