"""One step a request, with all that followed from it; nothing is left out."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from audit.models import Entry
from tests.engine.conftest import Make
from tests.queries.conftest import Scene
from workflow.acts.cancel import cancel
from workflow.acts.resume import resume
from workflow.engine import clock
from workflow.models import Record
from workflow.queries.subjects import subject_of
from workflow.queries.timeline import timeline
from workflow.queries.values import HIDDEN
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def steps(record: Record, **more):
    record.refresh_from_db()
    return timeline(record=record, subject=subject_of(record), now=clock.now(), **more).steps


def test_the_newest_step_is_first_and_the_beginning_last(scene: Scene, make: Make) -> None:
    record = make()
    scene.ask(record)
    drain()
    scene.ask(record, "note", payload={"note": "hello"})
    drain()

    everything = steps(record)
    found = [step for step in everything if not step.is_stopped_timer]

    assert [step.label for step in everything if step.is_stopped_timer] == ["Expire"]
    assert [step.label for step in found] == ["Note", "Open", "Record started"]
    assert [step.number for step in found] == [2, 1, None]
    assert [line.words for line in found[1].lines] == ["Asked for", "Done"]
    assert (found[1].last.old, found[1].last.new) == ("New", "Open")


def test_repeated_and_conflicting_requests_are_inside_their_step(scene: Scene, make: Make) -> None:
    record, key = make(), uuid.uuid4()
    scene.ask(record, transition_id=key)
    scene.ask(record, transition_id=key)
    scene.ask(record, transition_id=key, reason="other")

    step = steps(record)[0]

    assert [line.action for line in step.lines] == ["requested", "repeated", "conflict"]
    assert [line.tone for line in step.lines] == ["plain", "quiet", "quiet"]


def test_a_refusal_shows_each_guard(scene: Scene, make: Make) -> None:
    record = make(amount=Decimal(0), purpose="")
    scene.ask(record)
    drain()

    step = steps(record)[0]

    assert step.is_quiet
    assert [(each.guard, each.required, each.actual) for each in step.last.refusals] == [
        ("amount is positive", "> 0", "0.00"),
        ("has purpose", "a purpose", "none"),
    ]


def test_attempts_come_with_their_traceback(scene: Scene) -> None:
    envelope = scene.backing_off()

    step = steps(envelope.record)[0]

    assert [attempt.ending for attempt in step.attempts] == ["error"]
    assert "the provider timed out" in step.attempts[0].detail
    assert "Traceback" in step.attempts[0].detail


def test_changed_fields_are_shown_old_and_new_in_their_step(scene: Scene, make: Make) -> None:
    record = make()
    envelope = scene.ask(record).envelope

    def change(context) -> None:
        context.subject.purpose = "another journey"
        context.subject.supervisor_id = scene.user.pk

    scene.script.apply[envelope.pk] = change
    drain()

    changes = {each.label: (each.old, each.new) for each in steps(record)[0].changes}

    assert changes == {
        "Purpose": ("a journey", "another journey"),
        "Supervisor": ("-", "Ann Lee"),
    }


def test_personal_fields_are_hidden(scene: Scene, make: Make) -> None:
    record = make()
    envelope = scene.ask(record).envelope
    scene.script.apply[envelope.pk] = lambda context: setattr(context.subject, "purpose", "x")
    drain()

    change = steps(record, hidden={"purpose"})[0].changes[0]

    assert (change.old, change.new) == (HIDDEN, HIDDEN)


def test_a_correction_without_a_transition_is_a_step_of_its_own(
    scene: Scene, make: Make, ann: User
) -> None:
    record = make()
    scene.ask(record)
    drain()
    subject = subject_of(record)
    assert subject is not None
    subject.cost_centre = "K-1"
    vars(subject)["_history_user"] = ann
    subject.save()

    first = steps(record)[0]

    assert (first.label, first.actor) == ("Fields corrected", "Ann Lee")
    assert [(each.label, each.new) for each in first.changes] == [("Cost centre", "K-1")]


def test_what_a_person_did_is_in_their_name_with_the_reason(scene: Scene, boss: User) -> None:
    envelope = scene.parked()
    resume(transition_id=envelope.pk, user=boss, reason="bank is back", now=clock.now())
    drain()
    cancel(transition_id=envelope.pk, user=boss, reason="given up", now=clock.now())

    acts = [line for line in steps(envelope.record)[0].lines if line.is_act]

    assert [(line.words, line.actor, line.reason) for line in acts] == [
        ("Set going again", "boss", "bank is back"),
        ("Cancelled", "boss", "given up"),
    ]


def test_a_long_history_comes_in_pages_without_gap_or_overlap(scene: Scene, make: Make) -> None:
    record = make()
    scene.ask(record)
    drain()
    for number in range(6):
        scene.ask(record, "note", payload={"note": str(number)})
        drain()

    seen: list[int] = []
    before = None
    while True:
        page = timeline(
            record=record, subject=subject_of(record), before=before, at_most=4, now=clock.now()
        )
        seen += [line.sequence for step in page.steps for line in step.lines if line.sequence]
        before = page.older
        if before is None:
            break

    assert sorted(seen) == list(range(1, Entry.objects.filter(chain=record.pk).count() + 1))


def test_the_number_of_statements_is_constant(
    scene: Scene, make: Make, django_assert_num_queries
) -> None:
    record = make()
    scene.ask(record)
    drain()
    for number in range(20):
        scene.ask(record, "note", payload={"note": str(number)})
        drain()
    subject = subject_of(record)
    with django_assert_num_queries(6):
        assert len(timeline(record=record, subject=subject, now=clock.now()).steps) == 42


def test_what_says_the_same_several_times_is_one_line_with_its_number(scene: Scene) -> None:
    envelope = scene.backing_off()
    for hours in (3, 9):
        drain(ahead=timedelta(hours=hours))

    step = steps(envelope.record)[0]

    assert [(line.action, line.times) for line in step.shown_lines] == [
        ("retried", 2),
        ("parked", 1),
    ]
    assert len(step.lines) == 4
    assert step.tone == "bad"
