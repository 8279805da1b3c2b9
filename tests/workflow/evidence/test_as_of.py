"""E12 and E5: what a record was at any time, and where it is not what was written."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from audit.models import Entry
from tests.audit.rows import remove
from tests.audit.sealing import overwrite
from tests.engine import probe
from tests.engine.conftest import Ask, Make
from tests.workflow.evidence.conftest import Live
from workflow.engine import clock
from workflow.examples.declarations.models import Declaration
from workflow.models import Record, TransitionEnvelope
from workflow.queries.as_of import as_of
from workflow.queries.drift import Drifted, drift, drifting
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

MOMENT = timedelta(microseconds=1)


def fire(ask: Ask, record: Record, transition: str, payload: Any = None, **fields: Any) -> Entry:
    """Fire a transition whose `apply` sets fields of the subject."""
    answer = ask(record, transition, payload=payload or {})
    pk = answer.envelope.pk

    def apply(context: Any) -> None:
        for name, value in fields.items():
            setattr(context.subject, name, value)

    probe.SCRIPT.apply[pk] = apply
    drain()
    return Entry.objects.get(transition_id=pk, action="fired")


class TestAsOf:
    def test_status_and_fields_at_every_turn(self, make: Make, ask: Ask) -> None:
        before = clock.now()
        record = make(amount=Decimal("10.00"))
        opened = fire(ask, record, "open", amount=Decimal("20.00"))
        record.refresh_from_db()
        noted = fire(ask, record, "note", {"note": "seen"})
        record.refresh_from_db()

        assert as_of(record=record, at=before - timedelta(seconds=1)) is None
        started = as_of(record=record, at=opened.at - MOMENT)
        assert started is not None
        assert (started.status, started.version, started.transition_id) == ("new", 0, None)
        assert started.fields["amount"] == Decimal("10.00")
        at_opening = as_of(record=record, at=opened.at)
        assert at_opening is not None
        assert (at_opening.status, at_opening.version) == ("open", 1)
        assert at_opening.transition_id == opened.transition_id
        assert (at_opening.since, at_opening.entry) == (opened.at, opened.sequence)
        assert at_opening.fields["amount"] == Decimal("20.00")
        now = as_of(record=record, at=noted.at + timedelta(days=1))
        assert now is not None
        assert (now.status, now.version) == (record.status, record.version)

    def test_what_changed_later_does_not_show(self, make: Make, ask: Ask) -> None:
        record = make()
        opened = fire(ask, record, "open")
        Declaration.objects.get(record=record).save()
        subject = Declaration.objects.get(record=record)
        subject.purpose = "another"
        subject.save()
        told = as_of(record=record, at=opened.at)
        assert told is not None
        assert told.fields["purpose"] == "a journey"

    def test_it_takes_few_statements(
        self, make: Make, ask: Ask, django_assert_max_num_queries: Any
    ) -> None:
        record = make()
        fire(ask, record, "open")
        with django_assert_max_num_queries(3):
            as_of(record=record, at=clock.now())


class TestDrift:
    def test_what_the_engine_did_is_explained(self, live: Live) -> None:
        record = live()
        assert drift(record=record) == []
        assert list(drifting()) == []

    def test_a_status_that_no_entry_made(self, live: Live) -> None:
        record, other = live(), live()
        overwrite(record, status="done")
        (found,) = drifting()
        assert (found.record, found.what) == (record, Drifted.STATUS)
        assert (found.told, found.found) == ("open", "done")
        assert drift(record=other) == []
        assert "its status is 'done', and what is written tells 'open'" in str(found)

    def test_another_cause(self, live: Live) -> None:
        record = live()
        first = TransitionEnvelope.objects.filter(record=record, state="fired").earliest(
            "resulting_version"
        )
        overwrite(record, last_transition=first.pk)
        (found,) = drifting()
        assert (found.what, found.found) == (Drifted.CAUSE, str(first.pk))
        overwrite(record, last_transition=None)
        (found,) = drifting()
        assert (found.what, found.found) == (Drifted.CAUSE, "")

    def test_a_trail_that_is_gone(self, live: Live) -> None:
        record = live()
        for row in Entry.objects.filter(chain=record.pk):
            remove(row)
        assert Drifted.UNTOLD in {found.what for found in drifting()}

    def test_a_fired_envelope_without_its_entry(self, live: Live) -> None:
        """A tail cut off before it was sealed: the envelope still knows."""
        record = live()
        last = Entry.objects.filter(chain=record.pk, action="fired").latest("sequence")
        for row in Entry.objects.filter(chain=record.pk, sequence__gte=last.sequence):
            remove(row)
        found = {each.what: each for each in drifting()}
        assert found[Drifted.FIRED].name == str(last.transition_id)
        assert Drifted.CAUSE in found

    def test_a_field_that_was_changed_past_the_history(self, live: Live) -> None:
        record = live()
        Declaration.objects.filter(record=record).update(purpose="another")
        (found,) = drift(record=record)
        assert (found.what, found.name) == (Drifted.FIELD, "purpose")
        assert (found.told, found.found) == ("a journey", "another")
