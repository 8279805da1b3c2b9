"""Why and why not, guard by guard, without writing anything."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from audit.models import Entry
from tests.engine.conftest import Make
from tests.queries.conftest import Scene
from workflow.definition import registry
from workflow.engine import clock
from workflow.models import Record, TransitionEnvelope
from workflow.queries.options import Answer, options
from workflow.queries.subjects import subject_of
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def by_name(record: Record, user: User, in_flight: TransitionEnvelope | None = None):
    record.refresh_from_db()
    found = options(
        record=record,
        subject=subject_of(record),
        user=user,
        in_flight=in_flight,
        now=clock.now(),
    )
    return {option.name: option for option in found}


def test_what_nothing_stands_against_would_fire(make: Make, ann: User) -> None:
    option = by_name(make(), ann)["open"]

    assert option.answer is Answer.WOULD_FIRE
    assert option.may_be_asked
    assert option.target == "Open"
    held = {finding.guard: finding.answer for finding in option.foresight.findings}
    assert (held["amount_is_positive"].required, held["amount_is_positive"].actual) == (
        "> 0",
        "12.50",
    )


def test_every_unmet_guard_is_there_with_required_and_actual(make: Make, ann: User) -> None:
    option = by_name(make(amount=Decimal(0), purpose=""), ann)["open"]

    assert option.answer is Answer.WOULD_REFUSE
    assert not option.may_be_asked
    assert [(each.message, each.required, each.actual) for each in option.refusals] == [
        ("The amount must be positive.", "> 0", "0.00"),
        ("Say what it was for.", "a purpose", "none"),
    ]


def test_asking_why_writes_nothing_and_leaves_the_subject_alone(
    scene: Scene, make: Make, ann: User, django_assert_num_queries
) -> None:
    record = make()
    subject = subject_of(record)
    before = Entry.objects.count()

    def spoil(context) -> None:
        context.subject.purpose = "spoilt"

    registry.latest("probe")
    scene.script.apply.clear()
    with django_assert_num_queries(0):
        found = options(record=record, subject=subject, user=ann, in_flight=None, now=clock.now())

    assert [option.name for option in found] == ["open", "hurry"]
    assert subject.purpose == "a journey"
    assert Entry.objects.count() == before
    assert not TransitionEnvelope.objects.exists()


def test_a_missing_permission_is_an_obstacle(scene: Scene, make: Make, ann: User) -> None:
    record = make()
    scene.ask(record)
    drain()

    option = by_name(record, ann)["close"]

    assert option.answer is Answer.DENIED
    assert option.refusals[0].required == "declarations.approve_declaration"
    assert option.needs_reason


def test_another_in_flight_is_named(scene: Scene, make: Make, ann: User) -> None:
    record = make()
    envelope = scene.ask(record).envelope

    option = by_name(record, ann, in_flight=envelope)["open"]

    assert option.answer is Answer.OCCUPIED
    assert str(envelope.pk) in option.refusals[0].message


def test_a_form_may_still_change_the_mind_of_a_guard(scene: Scene, make: Make, ann: User) -> None:
    record = make()
    scene.ask(record)
    drain()

    option = by_name(record, ann)["note"]

    assert option.has_form
    assert option.may_be_asked


def test_a_guard_that_raises_is_told_and_breaks_nothing(
    scene: Scene, make: Make, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine import probe

    def broken(_context) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(
        scene.script,
        "guard",
        type("Any", (), {"get": lambda *_: broken, "clear": lambda *_: None})(),
    )
    assert probe.SCRIPT.guard is scene.script.guard

    option = by_name(make(), ann)["open"]

    assert option.answer is Answer.WOULD_REFUSE
    assert "by nought" in option.foresight.problem


def test_timers_are_not_hurried_by_looking(make: Make, ann: User) -> None:
    record = make()
    by_name(record, ann)
    assert drain(ahead=timedelta(0)) == {}
