"""History that is brought in while the campaign runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser, User

from workflow.backfill.mapping import BackfillMapping, Case, Event
from workflow.backfill.registered import register
from workflow.examples.declarations.campaign.release.workflows import NAME
from workflow.examples.declarations.models import Declaration


@register
class History(BackfillMapping[Declaration]):
    """One row an event: reference, event, transition, at."""

    name = "campaign"
    workflow = NAME
    namespace = UUID("6d0d2c0a-57b7-4a8e-9d53-0b9c4a1f6e21")
    columns = ("reference", "event", "transition", "at")

    def event(self, row: Mapping[str, Any]) -> Event:
        """Return what a row says."""
        return Event(
            reference=row["reference"],
            id=row["event"],
            transition=row["transition"],
            happened_at=datetime.fromisoformat(row["at"]),
            actor="campaign",
        )

    def actor(self, name: str) -> AbstractUser | None:
        """Return the one user that there is."""
        return User.objects.filter(username=name).first()

    def subject(self, case: Case) -> Declaration:
        """Return the declaration as it was before."""
        day = case.events[0].event.happened_at.date()
        return Declaration(
            claimant=User.objects.get(username="campaign"),
            number=case.reference,
            purpose="a journey of earlier times",
            amount=Decimal("12.50"),
            expense_date=day,
            declared_on=day,
        )
