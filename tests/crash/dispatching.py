"""Asking for transitions that call simulated downstreams, and looking what came of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from tests.crash.cluster import is_alive
from tests.crash.desk.dispatch import DISPATCH
from tests.crash.polling import until
from workflow.acts import effects as acts
from workflow.engine import clock
from workflow.engine.answer import Accepted
from workflow.engine.request import Request
from workflow.engine.start import start
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.models import EFFECT_STUCK, FINAL, EffectEntry, EffectState, TransitionEnvelope
from workflow.testing.downstream import Simulators

WITHIN = 40.0
"""Seconds for a death to happen, and for what is left to be done."""


class Desk:
    """Asks for transitions that call downstream, and looks what came of them."""

    def __init__(self, user: User, downstream: Simulators) -> None:
        self.user = user
        self.downstream = downstream
        self._number = 0

    def ask(self, transition: str, *, later: timedelta | None = None) -> UUID:
        self._number += 1
        now = clock.now()
        number = f"B-{self._number}"
        subject = Declaration(
            claimant=self.user,
            number=number,
            purpose="a journey",
            amount="12.50",
            expense_date=now.date(),
            declared_on=now.date(),
        )
        record = start(workflow=DISPATCH, subject=subject, reference=number, user=None, now=now)
        due_at = None if later is None else now + later
        request = Request(record=record.pk, transition=transition, user=self.user, due_at=due_at)
        assert isinstance(submit(request=request, now=clock.now()), Accepted)
        return request.transition_id

    def is_settled(self, names: list[UUID]) -> bool:
        """Return whether nothing moves any more: all is final, or waits for a person."""
        envelopes = TransitionEnvelope.objects.filter(pk__in=names).exclude(state__in=FINAL)
        effects = EffectEntry.objects.filter(envelope__in=names, finished_at__isnull=True)
        return not envelopes.exists() and not effects.exclude(state__in=EFFECT_STUCK).exists()

    def done(self, name: UUID, kind: str) -> int:
        """Return how often this was done for a transition, as the receiver counts."""
        return len(self.downstream.journal.deeds(kind=kind, reference=str(name)))

    def counts(self, name: UUID) -> dict[str, int]:
        kinds = ("reservation", "release", "payment", "entry", "letter")
        return {kind: self.done(name, kind) for kind in kinds}

    def settle_letter(self, name: UUID) -> None:
        """Do what a person does about a letter in doubt: look whether it was posted, say so."""
        letter = EffectEntry.objects.filter(envelope=name, name="registered_letter").first()
        if letter is None or letter.state != EffectState.IN_DOUBT:
            return
        posted = self.done(name, "letter")
        sent = self.downstream.journal.calls(downstream="letters", key=letter.key)
        assert len(sent) <= 1, "a letter in doubt was sent again without a person"
        known: dict[str, Any] = {
            "effect": letter.pk,
            "fence": letter.fence,
            "user": self.user,
            "reason": "looked it up",
            "now": clock.now(),
        }
        if posted:
            acts.happened(receipt={"letter": "found"}, **known)
        else:
            acts.did_not_happen(**known)


def stopped(deaths: Path, mark: str) -> int:
    """Wait until somebody has died or stopped at a boundary; return the process."""
    told = deaths / f"{mark}.pid"
    pid = int(until(lambda: told.exists() and told.read_text(), seconds=WITHIN, what=mark))
    told.unlink()
    return pid


def died(deaths: Path, mark: str) -> None:
    """Wait until somebody has died there."""
    pid = stopped(deaths, mark)
    until(lambda: not is_alive(pid), seconds=5, what=f"{pid} dead at {mark}")
