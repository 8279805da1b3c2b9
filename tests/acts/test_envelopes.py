"""What people do about envelopes that wait for them."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User

from audit.models import Entry
from tests.engine.conftest import Ask, Make, actions
from tests.engine.probe import Script
from workflow.acts.cancel import cancel
from workflow.acts.resume import resume
from workflow.definition import Context, InvalidRequest, Permanent
from workflow.engine import clock
from workflow.examples.declarations.models import Declaration
from workflow.models import State
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


@pytest.fixture
def parked(make: Make, ask: Ask, script: Script) -> UUID:
    name = uuid4()

    def never(context: Context[Declaration]) -> None:
        raise Permanent("closed")

    script.guard[name] = never
    ask(make(), transition_id=name)
    drain()
    return name


def test_a_parked_envelope_is_tried_again_under_its_own_id(
    parked: UUID, script: Script, boss: User
) -> None:
    script.guard.clear()
    envelope = resume(transition_id=parked, user=boss, reason="opened again", now=clock.now())
    assert (envelope.pk, envelope.attempts) == (parked, 0)
    assert drain() == {"fired": 1}
    entry = Entry.objects.get(chain=envelope.record_id, action="resumed")
    assert (entry.actor, entry.reason) == ("boss", "opened again")


def test_resuming_twice_runs_once(parked: UUID, script: Script, boss: User) -> None:
    script.guard.clear()
    resume(transition_id=parked, user=boss, reason="again", now=clock.now())
    with pytest.raises(InvalidRequest, match="only one that is parked can be resumed"):
        resume(transition_id=parked, user=boss, reason="again", now=clock.now())
    assert drain() == {"fired": 1}


def test_cancelling_frees_the_slot(parked: UUID, boss: User, ask: Ask) -> None:
    envelope = cancel(transition_id=parked, user=boss, reason="a mistake", now=clock.now())
    assert envelope.state == State.CANCELLED
    assert actions(envelope.record)[-1] == "cancelled"
    ask(envelope.record)
    assert drain() == {"fired": 1}


def test_what_is_done_cannot_be_cancelled(make: Make, ask: Ask, boss: User) -> None:
    name = ask(make()).envelope.pk
    drain()
    with pytest.raises(InvalidRequest, match="is fired; only one that is"):
        cancel(transition_id=name, user=boss, reason="too late", now=clock.now())


def test_an_act_needs_a_reason(parked: UUID, boss: User) -> None:
    with pytest.raises(InvalidRequest, match="say why"):
        resume(transition_id=parked, user=boss, reason=" ", now=clock.now())


def test_an_unknown_id_is_named(boss: User) -> None:
    with pytest.raises(InvalidRequest, match="does not exist"):
        cancel(transition_id=uuid4(), user=boss, reason="why", now=clock.now())
