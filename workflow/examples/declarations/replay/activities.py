"""What the log's words mean here: activities as transitions, roles as groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workflow.examples.declarations.statuses import Status


@dataclass(frozen=True)
class Step:
    """The transition that an activity asks for, and the status that it reached in the log."""

    transition: str
    status: Status


STEPS: Mapping[str, Step] = {
    "Declaration SAVED by EMPLOYEE": Step("save", Status.SAVED),
    "Declaration SUBMITTED by EMPLOYEE": Step("submit", Status.SUBMITTED),
    "Declaration APPROVED by PRE_APPROVER": Step("pre_approve", Status.APPROVED_BY_PRE_APPROVER),
    "Declaration APPROVED by ADMINISTRATION": Step("check", Status.APPROVED_BY_ADMINISTRATION),
    "Declaration APPROVED by BUDGET OWNER": Step(
        "approve_budget", Status.APPROVED_BY_BUDGET_OWNER
    ),
    "Declaration FINAL_APPROVED by SUPERVISOR": Step("approve_final", Status.FINAL_APPROVED),
    "Request Payment": Step("request_payment", Status.PAYMENT_REQUESTED),
    "Payment Handled": Step("confirm_payment", Status.PAYMENT_HANDLED),
    "Declaration REJECTED by EMPLOYEE": Step("take_back", Status.REJECTED_BY_EMPLOYEE),
    "Declaration REJECTED by PRE_APPROVER": Step(
        "reject_as_pre_approver", Status.REJECTED_BY_PRE_APPROVER
    ),
    "Declaration REJECTED by ADMINISTRATION": Step(
        "reject_as_administration", Status.REJECTED_BY_ADMINISTRATION
    ),
    "Declaration REJECTED by BUDGET OWNER": Step(
        "reject_as_budget_owner", Status.REJECTED_BY_BUDGET_OWNER
    ),
    "Declaration REJECTED by SUPERVISOR": Step(
        "reject_as_supervisor", Status.REJECTED_BY_SUPERVISOR
    ),
    "Declaration REJECTED by MISSING": Step("stop_payment", Status.REJECTED_BY_MISSING),
}

GROUPS: Mapping[str, str] = {
    "EMPLOYEE": "EMPLOYEE",
    "PRE_APPROVER": "PRE_APPROVER",
    "ADMINISTRATION": "ADMINISTRATION",
    "BUDGET OWNER": "BUDGET OWNER",
    "SUPERVISOR": "SUPERVISOR",
    "UNDEFINED": "PAYMENTS",
    "MISSING": "CONTROL",
}
"""The log calls its payment system UNDEFINED, and does not say who is MISSING."""
