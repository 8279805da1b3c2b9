"""Where a declaration can stand: the statuses of the public log, and two of our own."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    """DRAFT and WITHDRAWN are ours; the others are the log's fourteen activities."""

    DRAFT = "draft", _("Draft")
    SAVED = "saved", _("Saved by employee")
    SUBMITTED = "submitted", _("Submitted by employee")
    APPROVED_BY_PRE_APPROVER = "approved_by_pre_approver", _("Approved by pre-approver")
    APPROVED_BY_ADMINISTRATION = "approved_by_administration", _("Approved by administration")
    APPROVED_BY_BUDGET_OWNER = "approved_by_budget_owner", _("Approved by budget owner")
    FINAL_APPROVED = "final_approved", _("Finally approved by supervisor")
    PAYMENT_REQUESTED = "payment_requested", _("Payment requested")
    PAYMENT_HANDLED = "payment_handled", _("Paid")
    REJECTED_BY_EMPLOYEE = "rejected_by_employee", _("Taken back by employee")
    REJECTED_BY_PRE_APPROVER = "rejected_by_pre_approver", _("Rejected by pre-approver")
    REJECTED_BY_ADMINISTRATION = "rejected_by_administration", _("Rejected by administration")
    REJECTED_BY_BUDGET_OWNER = "rejected_by_budget_owner", _("Rejected by budget owner")
    REJECTED_BY_SUPERVISOR = "rejected_by_supervisor", _("Rejected by supervisor")
    REJECTED_BY_MISSING = "rejected_by_missing", _("Payment stopped")
    WITHDRAWN = "withdrawn", _("Withdrawn")


REJECTED = (
    Status.REJECTED_BY_EMPLOYEE,
    Status.REJECTED_BY_PRE_APPROVER,
    Status.REJECTED_BY_ADMINISTRATION,
    Status.REJECTED_BY_BUDGET_OWNER,
    Status.REJECTED_BY_SUPERVISOR,
    Status.REJECTED_BY_MISSING,
)
"""Statuses from which the employee may submit again. (The log does not say who is MISSING: someone
who stops a declaration after its final approval.)"""
