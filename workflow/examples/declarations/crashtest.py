"""How a declaration is made and asked for, for `manage.py crashtest declaration`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission, User

from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.workflows import DECLARATION
from workflow.models import Record
from workflow.testing.crashtest import CrashTest, Fresh, Outside, register
from workflow.testing.downstream import Simulators, simulators

_OWN = ("save", "submit", "take_back", "withdraw")
"""What only the claimant may do."""


@dataclass(frozen=True, kw_only=True)
class Simulated(Outside):
    """The department's other systems, which count what they are told."""

    simulators: Simulators

    def times(self, key: str) -> int | None:
        """Count at the receiver; of mail, which goes into files, nobody does."""
        if ":notify_" in key:
            return None
        return len(self.simulators.journal.deeds(key=key))


class Declarations(CrashTest[Declaration]):
    """Small amounts with a receipt, which every approver consents to."""

    workflow = DECLARATION

    def fresh(self, number: int) -> Fresh[Declaration]:
        """Return an employee's declaration."""
        claimant = _claimant()
        declaration = Declaration(
            claimant=claimant,
            number=f"C-{number}",
            purpose="To be interrupted",
            amount=Decimal("12.50"),
            expense_date=date(2026, 1, 2),
            declared_on=date(2026, 1, 3),
            receipts=1,
            budget_number="B-1",
        )
        return Fresh(subject=declaration, reference=declaration.number, by=claimant)

    def person(self, transition: str, record: Record) -> Any:
        """Let the claimant take an employee's steps, and somebody else each of the others."""
        return _claimant() if transition in _OWN else super().person(transition, record)

    def payload(self, transition: str, record: Record) -> Mapping[str, Any]:
        """Fill in what approvers add."""
        filled: dict[str, dict[str, Any]] = {
            "submit": {"receipts": 2},
            "check": {"cost_centre": "CC-1"},
            "approve_budget": {"budget_number": "B-2"},
        }
        return filled.get(transition, {})

    @contextmanager
    def outside(self) -> Iterator[Outside]:
        """Run the simulated downstreams, and let mail go into a folder."""
        with tempfile.TemporaryDirectory(prefix="mail-") as mail, simulators() as running:
            yield Simulated(
                environment={
                    "DOWNSTREAM_URL": running.url,
                    "EMAIL_URL": f"filemail:///{mail}",
                },
                simulators=running,
            )


def _claimant() -> User:
    user, is_new = User.objects.get_or_create(
        username="crash-claimant", defaults={"email": "claimant@example.invalid"}
    )
    if is_new:
        user.user_permissions.add(
            Permission.objects.get(
                content_type__app_label="declarations", codename="submit_declaration"
            )
        )
    return user


register(Declarations())
