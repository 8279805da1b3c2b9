"""Every rule of the department, on both sides of its edge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from workflow.definition import Actor, Allowed, Context, Refusal
from workflow.examples.declarations import guards
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.statuses import Status

CLAIMANT, OTHER, THIRD = "7", "8", "9"


def context(
    *,
    actor: str | None = OTHER,
    status: str = Status.SUBMITTED,
    payload: Any = None,
    **fields: Any,
) -> Context[Declaration]:
    declaration = Declaration(
        **{
            "claimant_id": int(CLAIMANT),
            "amount": Decimal("42.00"),
            "expense_date": date(2026, 3, 1),
            "declared_on": date(2026, 3, 5),
            "receipts": 1,
            "budget_number": "B-1",
            **fields,
        }
    )
    now = datetime(2026, 3, 6, tzinfo=UTC)
    return Context(
        subject=declaration,
        status=status,
        version=1,
        target="",
        actor=Actor(id=actor, label="somebody"),
        payload=payload or {},
        reason="",
        now=now,
        requested_at=now,
        transition_id=UUID(int=1),
    )


ALLOWED: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (guards.claimant_asks, {"actor": CLAIMANT}),
    (guards.approver_is_not_claimant, {"actor": OTHER}),
    (guards.approver_is_new, {"actor": OTHER}),
    (guards.approver_is_new, {"actor": OTHER, "administrator_id": int(THIRD)}),
    (guards.amount_is_positive, {"amount": Decimal("0.01")}),
    (guards.amount_is_within_limit, {"amount": Decimal("2500.00")}),
    (
        guards.amount_is_within_limit,
        {"amount": Decimal("5000.00"), "status": Status.APPROVED_BY_ADMINISTRATION},
    ),
    (
        guards.amount_is_within_limit,
        {"amount": Decimal("50000.00"), "status": Status.APPROVED_BY_BUDGET_OWNER},
    ),
    (guards.has_receipts, {"receipts": 1}),
    (guards.has_budget_number, {"budget_number": "B-1"}),
    (guards.has_budget_number, {"budget_number": "", "payload": {"budget_number": "B-2"}}),
    (guards.declared_in_time, {"expense_date": date(2026, 3, 5)}),
    (
        guards.declared_in_time,
        {"expense_date": date(2026, 1, 1), "declared_on": date(2026, 4, 3)},
    ),
]

REFUSED: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    (guards.claimant_asks, {"actor": OTHER}, "not_claimant"),
    (guards.claimant_asks, {"actor": None}, "not_claimant"),
    (guards.approver_is_not_claimant, {"actor": CLAIMANT}, "four_eyes"),
    (guards.approver_is_not_claimant, {"actor": None}, "four_eyes"),
    (guards.approver_is_new, {"pre_approver_id": int(OTHER)}, "approved_before"),
    (guards.approver_is_new, {"administrator_id": int(OTHER)}, "approved_before"),
    (guards.approver_is_new, {"budget_owner_id": int(OTHER)}, "approved_before"),
    (guards.amount_is_positive, {"amount": Decimal("0.00")}, "nothing_to_pay"),
    (guards.amount_is_within_limit, {"amount": Decimal("2500.01")}, "over_limit"),
    (
        guards.amount_is_within_limit,
        {"amount": Decimal("5000.01"), "status": Status.APPROVED_BY_ADMINISTRATION},
        "over_limit",
    ),
    (
        guards.amount_is_within_limit,
        {"amount": Decimal("50000.01"), "status": Status.APPROVED_BY_BUDGET_OWNER},
        "over_limit",
    ),
    (guards.has_receipts, {"receipts": 0}, "no_receipts"),
    (guards.has_budget_number, {"budget_number": ""}, "no_budget_number"),
    (guards.declared_in_time, {"expense_date": date(2026, 3, 6)}, "not_yet_spent"),
    (
        guards.declared_in_time,
        {"expense_date": date(2026, 1, 1), "declared_on": date(2026, 4, 4)},
        "too_old",
    ),
]


@pytest.mark.parametrize(("guard", "given"), ALLOWED)
def test_a_guard_consents_and_says_on_what_evidence(
    guard: Callable[..., Any], given: dict[str, Any]
) -> None:
    answer = guard(context(**given))

    assert isinstance(answer, Allowed)
    assert answer.required
    assert answer.actual


@pytest.mark.parametrize(("guard", "given", "code"), REFUSED)
def test_a_guard_refuses_in_a_sentence_with_what_it_compared(
    guard: Callable[..., Any], given: dict[str, Any], code: str
) -> None:
    answer = guard(context(**given))

    assert isinstance(answer, Refusal)
    assert answer.code == code
    assert answer.message.endswith(".")
    assert answer.required
    assert answer.actual
