"""Records of the scripted workflow, and short ways to look at their effects."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from audit.models import Entry
from audit.verify import verify_all
from tests.effects.errand import ERRAND, SCRIPT, Script
from workflow.definition import registry
from workflow.effects import channels
from workflow.engine import clock
from workflow.engine.answer import Accepted
from workflow.engine.request import Request
from workflow.engine.start import start
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.models import EffectAttempt, EffectEntry, Phase, Record, TransitionEnvelope
from workflow.testing.drain import drain

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def script() -> Iterator[Script]:
    registry.register(ERRAND)
    SCRIPT.reset()
    yield SCRIPT
    registry.unregister(ERRAND)


@pytest.fixture
def ann(db: None) -> User:
    channels.ensure()
    return User.objects.create_user("ann", first_name="Ann", last_name="Lee")


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_user("boss")


Make = Callable[[], Record]


@pytest.fixture
def make(ann: User) -> Make:
    def make() -> Record:
        number = f"E-{next(_numbers)}"
        subject = Declaration(
            claimant=ann,
            number=number,
            purpose="a journey",
            amount=Decimal("12.50"),
            expense_date=date(2026, 1, 2),
            declared_on=date(2026, 1, 3),
        )
        return start(workflow=ERRAND, subject=subject, reference=number, user=ann, now=clock.now())

    return make


class Errand:
    """One requested transition, and how it stands."""

    def __init__(self, record: Record, envelope: UUID) -> None:
        self.record_id = record.pk
        self.id = envelope

    @property
    def envelope(self) -> TransitionEnvelope:
        return TransitionEnvelope.objects.get(pk=self.id)

    @property
    def record(self) -> Record:
        return Record.objects.get(pk=self.record_id)

    def effect(self, name: str, phase: Phase | None = None) -> EffectEntry:
        rows = EffectEntry.objects.filter(envelope=self.id, name=name)
        if phase is None:
            return rows.exclude(phase=Phase.UNDO).get()
        return rows.get(phase=phase)

    def effect_or_none(self, name: str) -> EffectEntry | None:
        return EffectEntry.objects.filter(envelope=self.id, name=name).first()

    def states(self) -> dict[str, str]:
        """Return the effects' states, an undo's under its name with a minus."""
        return {
            f"-{row.name}" if row.phase == Phase.UNDO else row.name: str(row.state)
            for row in EffectEntry.objects.filter(envelope=self.id)
        }

    def outcomes(self, name: str) -> list[str]:
        rows = EffectAttempt.objects.filter(effect__envelope=self.id, effect__name=name)
        return [f"{row.kind} {row.outcome}" for row in rows.order_by("effect", "fence")]

    def actions(self) -> list[str]:
        return list(
            Entry.objects.filter(transition_id=self.id)
            .order_by("sequence")
            .values_list("action", flat=True)
        )


Ask = Callable[..., Errand]


@pytest.fixture
def ask(ann: User, make: Make) -> Iterator[Ask]:
    """Request a transition, of a new record by default; work it off unless told otherwise."""

    def ask(
        transition: str, *, record: Record | None = None, drained: bool = True, **more: Any
    ) -> Errand:
        record = record or make()
        wish = Request(record=record.pk, transition=transition, **{"user": ann, **more})
        answer = submit(request=wish, now=clock.now())
        assert isinstance(answer, Accepted), answer
        if drained:
            drain()
        return Errand(record, wish.transition_id)

    yield ask
    faults = ledger_faults()
    assert not faults, faults
    assert verify_all().is_sound


def ledger_faults() -> list[str]:
    """Return what must never be true of any ledger."""
    found = []
    for row in EffectEntry.objects.all():
        fences = list(row.attempt_set.values_list("fence", flat=True))
        ended = row.fence - (row.claim is not None)
        if fences != list(range(1, ended + 1)):
            found.append(f"{row} ({row.state}) is at fence {row.fence}, attempts are {fences}")
        if row.is_final != (row.finished_at is not None) or (row.is_final and row.due_at):
            found.append(f"{row} is {row.state}, finished {row.finished_at}, due {row.due_at}")
        if not row.is_final and not row.is_stuck and row.due_at is None:
            found.append(f"{row} is {row.state} and never due")
    return found


@pytest.fixture
def later() -> Callable[..., Any]:
    """Work off everything that is due after so long."""

    def later(**units: float) -> Any:
        return drain(ahead=timedelta(**units))

    return later
