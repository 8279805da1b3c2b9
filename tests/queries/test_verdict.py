"""One sentence at the top, in the right tone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from tests.engine.conftest import Make
from tests.queries.conftest import Scene
from workflow.acts.cancel import cancel
from workflow.engine import clock
from workflow.models import Record, TransitionEnvelope
from workflow.queries.verdict import Tone, Verdict, of_envelope, of_record
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def record_verdict(scene: Scene, record: Record) -> Verdict:
    record.refresh_from_db()
    envelopes = list(TransitionEnvelope.objects.filter(record=record.pk).order_by("-requested_at"))
    return of_record(record=record, envelopes=envelopes, world=scene.world, now=clock.now())


def envelope_verdict(scene: Scene, envelope: TransitionEnvelope) -> Verdict:
    envelope.refresh_from_db()
    return of_envelope(envelope=envelope, world=scene.world, now=clock.now())


def test_a_fresh_record_waits_for_a_person(scene: Scene, make: Make) -> None:
    verdict = record_verdict(scene, make())

    assert verdict.tone is Tone.CALM
    assert verdict.sentence.startswith("“New” for")
    assert not verdict.is_moving


def test_a_failing_one_says_what_failed_and_when_it_is_tried_again(scene: Scene) -> None:
    scene.cluster()
    envelope = scene.backing_off()

    verdict = record_verdict(scene, envelope.record)

    assert verdict.tone is Tone.WARN
    assert "“Open”: Attempt 1 of 3" in verdict.sentence
    assert "the provider timed out" in verdict.sentence
    assert f"{envelope.due_at:%H:%M}" in verdict.next_act  # with the date, if that is tomorrow
    assert verdict.is_moving


def test_a_parked_one_is_bad_and_does_not_move(scene: Scene) -> None:
    verdict = record_verdict(scene, scene.parked().record)

    assert verdict.tone is Tone.BAD
    assert "account closed" in verdict.sentence
    assert not verdict.is_moving


def test_the_last_refusal_is_told(scene: Scene, make: Make) -> None:
    record = make(amount=Decimal(0))
    scene.ask(record)
    drain()

    verdict = record_verdict(scene, record)

    assert verdict.tone is Tone.WARN
    assert "Still “New”" in verdict.sentence
    assert "The amount must be positive." in verdict.sentence


def test_what_fires_by_itself_later_is_told(scene: Scene, make: Make) -> None:
    record = make()
    scene.ask(record)
    drain()

    verdict = record_verdict(scene, record)

    assert verdict.tone is Tone.CALM
    assert "“Expire” by itself at" in verdict.next_act
    assert "in 3 days" in verdict.next_act


def test_a_final_status_is_the_end(scene: Scene, make: Make, boss: User) -> None:
    record = make()
    scene.ask(record)
    drain()
    scene.ask(record, "close", user=boss, reason="enough")
    drain()

    verdict = record_verdict(scene, record)

    assert verdict.tone is Tone.GOOD
    assert "has come to its end" in verdict.sentence


def test_every_final_envelope_has_its_sentence(scene: Scene, make: Make, boss: User) -> None:
    fired = scene.waiting()
    refused = scene.ask(make(amount=Decimal(0))).envelope
    parked = scene.parked()
    late = scene.ask(make(), "hurry").envelope
    drain(ahead=timedelta(minutes=10))
    cancel(transition_id=parked.pk, user=boss, reason="mistake", now=clock.now())

    told = [envelope_verdict(scene, each) for each in (fired, refused, late, parked)]

    assert [each.tone for each in told] == [Tone.GOOD, Tone.WARN, Tone.BAD, Tone.CALM]
    assert "the record became “Open”" in told[0].sentence
    assert "was refused" in told[1].sentence
    assert "failed for good" in told[2].sentence
    assert "was cancelled" in told[3].sentence
    assert "mistake" in told[3].sentence
