"""What the rows of the public log mean here: the mapping to copy for a source of one's own.

Events get the ids that `replay_declarations` gives them, and the same people and reasons: an event
that is replayed after it was backfilled meets its envelope, and is recognised as a repetition.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.auth.models import AbstractUser, User

from workflow.backfill.mapping import BackfillMapping, Case, Event, Told, Unusable
from workflow.backfill.registered import register
from workflow.definition import Reason
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.replay.activities import GROUPS, STEPS
from workflow.examples.declarations.replay.people import People
from workflow.examples.declarations.replay.plan import NAMESPACE
from workflow.examples.declarations.workflows import DECLARATION

_CENT = Decimal("0.01")
_LARGEST = Decimal("9999999999.99")
_NEEDS_REASON = {
    transition.name
    for transition in DECLARATION.transitions
    if transition.reason is Reason.REQUIRED
}


@register
class DeclarationLog(BackfillMapping[Declaration]):
    """The log's CSV form: one row an event, with the declaration's fields on every row."""

    name = "declarations"
    workflow = DECLARATION.name
    namespace = NAMESPACE
    columns = (
        "case_id",
        "event_id",
        "activity",
        "role",
        "resource",
        "occurred_at",
        "declaration_number",
        "budget_number",
        "amount",
    )
    compared = ("number", "amount", "budget_number", "declared_on", "submitted_at", "paid_at")

    def __init__(self, *, may_write: bool) -> None:
        super().__init__(may_write=may_write)
        self._people = People()
        self._strangers: dict[str, AbstractUser] = {}

    def event(self, row: Mapping[str, Any]) -> Event:
        """Return what a row says: an activity is the step that led to the status it names."""
        step = STEPS.get(row["activity"])
        if step is None:
            raise Unusable(f"activity {row['activity']!r} is not known")
        if row["role"] not in GROUPS:
            raise Unusable(f"role {row['role']!r} is not known")
        at = _time(row["occurred_at"])
        _amount(row["amount"])
        needs_reason = step.transition in _NEEDS_REASON
        return Event(
            reference=row["case_id"].strip(),
            id=row["event_id"].strip(),
            transition=step.transition,
            happened_at=at,
            actor=f"{row['role']}/{row['resource'].strip()}",
            reason=f"{row['activity']} on {at:%Y-%m-%d}" if needs_reason else "",
        )

    def actor(self, name: str) -> AbstractUser | None:
        """Return the log's person as a user, made if need be; in a dry run, an unsaved one."""
        role, _, resource = name.partition("/")
        if self.may_write:
            return self._people.get(role, resource)
        return self._strangers.setdefault(name, User(username=name[:150]))

    def subject(self, case: Case) -> Declaration:
        """Return the declaration as a draft. The log names no journey and no receipts."""
        first = case.events[0]
        day = first.event.happened_at.date()
        return Declaration(
            claimant_id=self._key(_claimant(case)),
            number=first.raw["declaration_number"] or case.reference,
            purpose="Domestic travel, from the public log",
            amount=_amount(first.raw["amount"]),
            expense_date=day,
            declared_on=day,
            receipts=1,
            budget_number=first.raw["budget_number"],
        )

    def _key(self, name: str) -> Any:
        """Return a person's key; None for the system, and for who is not known here."""
        user = self.actor(name) if name else None
        return None if user is None else user.pk

    def apply(self, subject: Declaration, told: Told) -> None:
        """Note who took the step, and when, as the step's stamp does for a live one."""
        at = told.event.happened_at
        match told.event.transition:
            case "submit":
                subject.submitted_at = at
                subject.approved_at = subject.payment_requested_at = None
                subject.pre_approver_id = subject.administrator_id = None
                subject.budget_owner_id = subject.supervisor_id = None
            case "pre_approve":
                subject.pre_approver_id = self._key(told.event.actor)
            case "check":
                subject.administrator_id = self._key(told.event.actor)
            case "approve_budget":
                subject.budget_owner_id = self._key(told.event.actor)
            case "approve_final":
                subject.supervisor_id = self._key(told.event.actor)
                subject.approved_at = at
            case "request_payment":
                subject.payment_requested_at = at
            case "confirm_payment":
                subject.paid_at = at
            case _:
                pass


def _claimant(case: Case) -> str:
    """Return the employee whose declaration it is."""
    for told in case.events:
        if told.event.actor.startswith("EMPLOYEE/"):
            return told.event.actor
    return f"EMPLOYEE/{case.events[0].event.actor.partition('/')[2]}"


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Unusable(f"occurred_at {text!r} is no ISO 8601 time") from None


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise Unusable(f"amount {text!r} is no number") from None
    if not amount.is_finite() or not 0 <= amount <= _LARGEST:
        raise Unusable(f"amount {text!r} is not between 0 and {_LARGEST}")
    return amount.quantize(_CENT)
