"""The department's numbers, each with its unit."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from workflow.examples.declarations.statuses import Status

APPROVAL_LIMITS: dict[str, Decimal] = {
    Status.SUBMITTED: Decimal(2500),
    Status.APPROVED_BY_PRE_APPROVER: Decimal(2500),
    Status.APPROVED_BY_ADMINISTRATION: Decimal(5000),
    Status.APPROVED_BY_BUDGET_OWNER: Decimal(50000),
}
"""Largest amount that a supervisor may approve, by who has looked at it before."""

DECLARE_WITHIN = timedelta(days=92)
"""How long after the journey its expenses may be declared."""

RECEIPTS_NEEDED = 1

LAPSES_AFTER = timedelta(days=180)
"""How long a saved, rejected or taken-back declaration may lie about."""
