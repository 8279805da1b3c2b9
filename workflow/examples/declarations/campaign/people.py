"""Who and what a campaign begins with: users, records, and the history to bring in."""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import User

from workflow.engine import clock
from workflow.engine.start import New, start_many
from workflow.examples.declarations.campaign.release.workflows import workflow
from workflow.examples.declarations.campaign.stage import OPERATORS, USER, Stage
from workflow.examples.declarations.models import Declaration

_TOGETHER = 100
_TURNS = ("take", "put_back", "take", "put_back")


def begin(*, stage: Stage, records: int, history: int, seed: int) -> None:
    """Make the users and so many records, and write a source with the history of so many more."""
    user = User.objects.create_user(USER, password=None)
    for name in OPERATORS:
        User.objects.create_superuser(name, password=None)
    names = []
    for start in range(0, records, _TOGETHER):
        now = clock.now()
        new = [
            New(
                subject=Declaration(
                    claimant=user,
                    number=f"C-{number}",
                    purpose="a journey",
                    amount=Decimal("12.50"),
                    expense_date=now.date(),
                    declared_on=now.date(),
                ),
                reference=f"C-{number}",
            )
            for number in range(start, min(start + _TOGETHER, records))
        ]
        names += start_many(workflow=workflow(1), new=new, user=user, now=now)
    stage.records.write_text("".join(f"{each.pk}\n" for each in names))
    _write_history(stage, history=history, seed=seed)


def _write_history(stage: Stage, *, history: int, seed: int) -> None:
    chance = random.Random(f"{seed}/history")  # noqa: S311  (a plan, no secret)
    with stage.history.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["reference", "event", "transition", "at"])
        for number in range(history):
            at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
            for place, transition in enumerate(_TURNS):
                at += timedelta(minutes=chance.randint(1, 9))
                rows.writerow([f"H-{number}", f"H-{number}-{place}", transition, at.isoformat()])
