"""I3: a status sets its timers when it is entered and stops them when it is left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from audit.models import Entry
from tests.engine.conftest import Ask, Make, actions
from workflow.engine import clock
from workflow.engine.ripen import ripen
from workflow.models import Origin, State, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

DAYS = timedelta(days=3, seconds=1)


def timer() -> TransitionEnvelope:
    return TransitionEnvelope.objects.get(origin=Origin.TIMER)


def test_a_record_moves_by_itself_after_its_time(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    drain()
    assert timer().state == State.SCHEDULED
    assert drain(ahead=timedelta(days=2)) == {}
    assert drain(ahead=DAYS) == {"fired": 1}
    record.refresh_from_db()
    assert record.status == "done"
    entry = Entry.objects.get(chain=record.pk, action="fired", new="done")
    assert entry.actor == "system"
    assert entry.reason == "3 days after entering “open”"


def test_leaving_the_status_stops_the_timer(make: Make, ask: Ask, boss: User) -> None:
    record = make()
    ask(record)
    drain()
    ask(record, "close", user=boss, reason="done")
    drain()
    assert (timer().state, timer().code) == (State.CANCELLED, "status_left")
    assert drain(ahead=DAYS) == {}
    assert actions(record)[-2:] == ["fired", "cancelled"]


def test_entering_again_sets_it_anew(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    drain()
    ask(record, "note", payload={"note": "still here"})
    drain()
    states = TransitionEnvelope.objects.filter(origin=Origin.TIMER).order_by("requested_at")
    assert [each.state for each in states] == [State.CANCELLED, State.SCHEDULED]


def test_a_ripe_timer_waits_for_the_slot(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    drain()
    ask(record, "note", payload={"note": "in flight"})
    later = clock.now() + DAYS
    assert ripen(now=later) == 1
    assert timer().state == State.SCHEDULED
    assert timer().due_at == later + timedelta(seconds=5)


def test_two_ripe_ones_of_a_record_take_turns(make: Make, ask: Ask) -> None:
    record = make()
    for minutes in (1, 2):
        ask(record, due_at=clock.now() + timedelta(minutes=minutes))
    assert ripen(now=clock.now() + timedelta(minutes=3)) == 2
    states = TransitionEnvelope.objects.order_by("due_at").values_list("state", flat=True)
    assert sorted(states) == ["scheduled", "waiting"]
