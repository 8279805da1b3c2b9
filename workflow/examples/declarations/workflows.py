"""The life of a declaration, as a table. Found by the engine at start-up."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _

from workflow.definition import Reason, Transition, Workflow, registry
from workflow.examples.declarations.effects import (
    instruct_payment,
    notify_claimant,
    publish_report,
    registered_letter,
    release_budget,
    reserve_budget,
)
from workflow.examples.declarations.forms import (
    BudgetForm,
    CheckForm,
    PaymentForm,
    SubmissionForm,
)
from workflow.examples.declarations.guards import (
    amount_is_positive,
    amount_is_within_limit,
    approver_is_new,
    approver_is_not_claimant,
    claimant_asks,
    declared_in_time,
    has_budget_number,
    has_receipts,
)
from workflow.examples.declarations.limits import LAPSES_AFTER
from workflow.examples.declarations.models import Declaration, visible_to
from workflow.examples.declarations.stamps import (
    stamp_budget_approval,
    stamp_check,
    stamp_final_approval,
    stamp_payment,
    stamp_payment_request,
    stamp_pre_approval,
    stamp_submission,
)
from workflow.examples.declarations.statuses import REJECTED, Status

NAMES = (
    _("claimant asks"),
    _("approver is not claimant"),
    _("approver is new"),
    _("amount is positive"),
    _("amount is within limit"),
    _("has receipts"),
    _("has budget number"),
    _("declared in time"),
    _("instruct payment"),
    _("notify claimant"),
    _("publish report"),
    _("registered letter"),
    _("release budget"),
    _("reserve budget"),
)
"""What the pages call the guards and effects, for catalogues."""


def with_claimant(declarations: Any) -> Any:
    """Load what effects tell about a declaration beside its own fields."""
    return declarations.select_related("claimant", "record")


DECLARATION: Workflow[Declaration, Status] = Workflow(
    name="declaration",
    version=1,
    subject=Declaration,
    statuses=Status,
    initial=Status.DRAFT,
    final=frozenset({Status.PAYMENT_HANDLED, Status.WITHDRAWN}),
    visible=visible_to,
    personal=frozenset({"claimant", "purpose", "payment_reference"}),
    load=with_claimant,
    transitions=(
        # The employee.
        Transition(
            name="save",
            label=_("Save for later"),
            sources=(Status.DRAFT,),
            target=Status.SAVED,
            permission="declarations.submit_declaration",
            guards=(claimant_asks,),
        ),
        Transition(
            name="submit",
            label=_("Submit"),
            sources=(Status.DRAFT, Status.SAVED, *REJECTED),
            target=Status.SUBMITTED,
            permission="declarations.submit_declaration",
            guards=(claimant_asks, declared_in_time),
            form=SubmissionForm,
            apply=stamp_submission,
            after=(publish_report,),
        ),
        Transition(
            name="take_back",
            label=_("Take back"),
            sources=(
                Status.SUBMITTED,
                Status.REJECTED_BY_PRE_APPROVER,
                Status.REJECTED_BY_ADMINISTRATION,
                Status.REJECTED_BY_BUDGET_OWNER,
                Status.REJECTED_BY_SUPERVISOR,
            ),
            target=Status.REJECTED_BY_EMPLOYEE,
            permission="declarations.submit_declaration",
            guards=(claimant_asks,),
            after=(publish_report,),
        ),
        Transition(
            name="withdraw",
            label=_("Withdraw for good"),
            sources=(Status.DRAFT, Status.SAVED, Status.SUBMITTED, *REJECTED),
            target=Status.WITHDRAWN,
            permission="declarations.submit_declaration",
            guards=(claimant_asks,),
            reason=Reason.REQUIRED,
            after=(publish_report,),
        ),
        # Approvals.
        Transition(
            name="pre_approve",
            label=_("Approve as pre-approver"),
            sources=(Status.SUBMITTED,),
            target=Status.APPROVED_BY_PRE_APPROVER,
            permission="declarations.pre_approve_declaration",
            guards=(approver_is_not_claimant,),
            apply=stamp_pre_approval,
            after=(publish_report,),
        ),
        Transition(
            name="check",
            label=_("Approve as administration"),
            sources=(Status.SUBMITTED,),
            target=Status.APPROVED_BY_ADMINISTRATION,
            permission="declarations.check_declaration",
            guards=(approver_is_not_claimant, has_receipts),
            form=CheckForm,
            apply=stamp_check,
            after=(publish_report,),
        ),
        Transition(
            name="approve_budget",
            label=_("Approve as budget owner"),
            sources=(Status.APPROVED_BY_ADMINISTRATION,),
            target=Status.APPROVED_BY_BUDGET_OWNER,
            permission="declarations.approve_budget_declaration",
            guards=(approver_is_not_claimant, has_budget_number),
            form=BudgetForm,
            apply=stamp_budget_approval,
            after=(publish_report,),
        ),
        Transition(
            name="approve_final",
            label=_("Approve for payment"),
            sources=(
                Status.SUBMITTED,
                Status.APPROVED_BY_PRE_APPROVER,
                Status.APPROVED_BY_ADMINISTRATION,
                Status.APPROVED_BY_BUDGET_OWNER,
            ),
            target=Status.FINAL_APPROVED,
            permission="declarations.approve_declaration",
            guards=(
                approver_is_not_claimant,
                approver_is_new,
                has_receipts,
                amount_is_within_limit,
            ),
            before=(reserve_budget,),
            apply=stamp_final_approval,
            after=(publish_report, notify_claimant),
        ),
        # Rejections.
        Transition(
            name="reject_as_pre_approver",
            label=_("Reject as pre-approver"),
            sources=(Status.SUBMITTED,),
            target=Status.REJECTED_BY_PRE_APPROVER,
            permission="declarations.pre_approve_declaration",
            guards=(approver_is_not_claimant,),
            reason=Reason.REQUIRED,
            after=(publish_report, notify_claimant),
        ),
        Transition(
            name="reject_as_administration",
            label=_("Reject as administration"),
            sources=(Status.SUBMITTED,),
            target=Status.REJECTED_BY_ADMINISTRATION,
            permission="declarations.check_declaration",
            guards=(approver_is_not_claimant,),
            reason=Reason.REQUIRED,
            after=(publish_report, notify_claimant),
        ),
        Transition(
            name="reject_as_budget_owner",
            label=_("Reject as budget owner"),
            sources=(Status.APPROVED_BY_ADMINISTRATION,),
            target=Status.REJECTED_BY_BUDGET_OWNER,
            permission="declarations.approve_budget_declaration",
            guards=(approver_is_not_claimant,),
            reason=Reason.REQUIRED,
            after=(publish_report, notify_claimant),
        ),
        Transition(
            name="reject_as_supervisor",
            label=_("Reject as supervisor"),
            sources=(
                Status.SUBMITTED,
                Status.APPROVED_BY_PRE_APPROVER,
                Status.APPROVED_BY_ADMINISTRATION,
                Status.APPROVED_BY_BUDGET_OWNER,
            ),
            target=Status.REJECTED_BY_SUPERVISOR,
            permission="declarations.approve_declaration",
            guards=(approver_is_not_claimant,),
            reason=Reason.REQUIRED,
            after=(publish_report, notify_claimant),
        ),
        # Money.
        Transition(
            name="request_payment",
            label=_("Request payment"),
            sources=(Status.FINAL_APPROVED,),
            target=Status.PAYMENT_REQUESTED,
            permission="declarations.pay_declaration",
            guards=(amount_is_positive,),
            apart_from=("submit", "approve_final"),
            settled_apart=True,
            before=(instruct_payment,),
            apply=stamp_payment_request,
            after=(publish_report,),
        ),
        Transition(
            name="confirm_payment",
            label=_("Confirm payment"),
            sources=(Status.PAYMENT_REQUESTED,),
            target=Status.PAYMENT_HANDLED,
            permission="declarations.pay_declaration",
            form=PaymentForm,
            apply=stamp_payment,
            after=(publish_report, notify_claimant),
        ),
        Transition(
            name="stop_payment",
            label=_("Stop payment"),
            sources=(Status.FINAL_APPROVED, Status.PAYMENT_REQUESTED),
            target=Status.REJECTED_BY_MISSING,
            permission="declarations.stop_declaration",
            reason=Reason.REQUIRED,
            after=(publish_report, release_budget, registered_letter, notify_claimant),
        ),
        # Time.
        Transition(
            name="lapse",
            label=_("Let lapse"),
            sources=(Status.SAVED, *REJECTED),
            target=Status.WITHDRAWN,
            permission="declarations.lapse_declaration",
            automatic_after=LAPSES_AFTER,
            after=(publish_report,),
        ),
    ),
)

registry.register(DECLARATION)
