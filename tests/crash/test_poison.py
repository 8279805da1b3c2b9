"""C4: an envelope that kills its workers parks after its attempts, and takes nobody with it."""

from __future__ import annotations

import pytest

from audit.models import Entry
from tests.crash.conftest import Ask, Make, Start
from tests.crash.invariants import faults
from tests.crash.polling import fired, until
from workflow.models import Attempt, State, TransitionEnvelope

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_a_poison_envelope_parks_and_hurts_no_neighbour(work: Start, make: Make, ask: Ask) -> None:
    """All are in one batch with it at first; what shared its death is then claimed alone."""
    records = make(31)
    neighbours = ask(records[:15])
    poison = TransitionEnvelope.objects.filter(
        pk__in=ask(records[15:16], "act", payload={"act": "die"})
    )
    neighbours += ask(records[16:])

    cluster = work(workers=2, LEASE_SECONDS=1)
    fired(neighbours, seconds=30)
    until(poison.filter(state=State.PARKED).exists, seconds=30, what="parked")

    envelope = poison.get()
    assert (envelope.attempts, envelope.crashes, envelope.code) == (3, 3, "worker_died")
    endings = Attempt.objects.filter(envelope=envelope.pk).values_list("ending", flat=True)
    assert list(endings) == ["died", "died", "died"]
    told = Entry.objects.filter(transition_id=envelope.pk).values_list("action", flat=True)
    assert list(told) == ["requested", "died", "died", "parked"]
    deaths = Attempt.objects.filter(ending="died").exclude(envelope=envelope.pk)
    assert deaths.count() <= len(neighbours), "a neighbour died with it more than once"

    fired(ask(make(30)), seconds=15)
    assert not faults()
    assert cluster.supervisor.poll() is None
