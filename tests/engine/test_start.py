"""Records come under the engine in their initial status, all of a group or none."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from tests.engine import probe
from tests.engine.conftest import Make, actions
from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.engine.start import New, start_many
from workflow.examples.declarations.models import Declaration
from workflow.models import Record

pytestmark = pytest.mark.django_db


def declaration(ann: User) -> Declaration:
    day = date(2026, 1, 2)
    return Declaration(
        claimant=ann, number="1", amount=Decimal(1), expense_date=day, declared_on=day
    )


def test_a_record_starts_in_the_initial_status(make: Make) -> None:
    record = make()
    assert (record.status, record.version, record.last_transition) == ("new", 0, None)
    assert actions(record) == ["started"]
    subject = Declaration.objects.get(record=record)
    assert subject.status == "new"
    assert subject.history.get().history_user_id == subject.claimant_id


def test_a_taken_reference_is_named_and_nothing_is_written(ann: User, make: Make) -> None:
    taken = make().reference
    new = [New(subject=declaration(ann), reference=name) for name in ("free", taken)]
    with pytest.raises(InvalidRequest, match=f"reference '{taken}': is taken"):
        start_many(workflow=probe.PROBE, new=new, user=ann, now=clock.now())
    assert not Record.objects.filter(reference="free").exists()


def test_a_reference_given_twice_is_named(ann: User) -> None:
    new = [New(subject=declaration(ann), reference="same") for _ in range(2)]
    with pytest.raises(InvalidRequest, match="same"):
        start_many(workflow=probe.PROBE, new=new, user=ann, now=clock.now())
    assert not Record.objects.exists()


@pytest.mark.parametrize("reference", ["", " ", "x" * 101, "a\nb", "a\0b"])
def test_an_unusable_reference_is_named(ann: User, reference: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 100 printable characters"):
        start_many(
            workflow=probe.PROBE,
            new=[New(subject=declaration(ann), reference=reference)],
            user=ann,
            now=clock.now(),
        )
