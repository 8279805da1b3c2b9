"""A5, invariants 1 and 3: what is unique is so in the database, whoever writes and when.

Each is tried with the guards lifted: on SQLite they refuse the same rows before the constraint is
asked, and would hide that it is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import IntegrityError, connection, transaction

from tests.workflow.models.guards.rows import (
    NOW,
    make_attempt,
    make_entry,
    make_envelope,
    make_record,
)
from workflow.models import FINAL, IN_FLIGHT, Attempt, Record, State
from workflow.testing.guards import lifted

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unguarded(db: None) -> Iterator[None]:
    with lifted(connection):
        yield


@pytest.fixture
def record() -> Record:
    return make_record()


def assert_refused(insert: Callable[[], object], by: str | None = None) -> None:
    with pytest.raises(IntegrityError, match=by), transaction.atomic():
        insert()


def test_a_transition_id_is_used_once(record: Record) -> None:
    first = make_envelope(record, state=State.REFUSED)
    other = make_record()
    assert_refused(lambda: make_envelope(other, transition_id=first.pk, state=State.REFUSED))


@pytest.mark.parametrize("state", IN_FLIGHT)
def test_a_record_has_one_slot(record: Record, state: State) -> None:
    make_envelope(record, state=state)
    for other in IN_FLIGHT:
        assert_refused(lambda state=other: make_envelope(record, state=state))


def test_what_is_done_or_for_later_holds_no_slot(record: Record) -> None:
    make_envelope(record)
    for state in (State.SCHEDULED, State.REFUSED, State.FAILED, State.CANCELLED):
        make_envelope(record, state=state)


def test_a_version_is_made_by_one_envelope(record: Record) -> None:
    make_envelope(record, state=State.FIRED, resulting_version=1)
    assert_refused(lambda: make_envelope(record, state=State.FIRED, resulting_version=1))


@pytest.mark.parametrize("state", [each for each in State if each != State.RECONSTRUCTED])
def test_what_is_final_has_its_time_and_nothing_else_has(record: Record, state: State) -> None:
    wrong = None if state in FINAL else NOW
    assert_refused(
        lambda: make_envelope(record, state=state, finished_at=wrong), "envelope_finished"
    )


def test_a_fence_has_one_attempt(record: Record) -> None:
    first = make_attempt(record)
    first.pk = None
    assert_refused(lambda: Attempt.objects.bulk_create([first]))


def test_a_place_in_a_chain_is_taken_once(record: Record) -> None:
    make_entry(record)
    assert_refused(lambda: make_entry(record))


def test_a_reference_is_unique_within_its_workflow(record: Record) -> None:
    again = make_record()
    same = Record.objects.filter(pk=again.pk)
    assert_refused(lambda: same.update(reference=record.reference))
    elsewhere = make_record(workflow="another")
    Record.objects.filter(pk=elsewhere.pk).update(reference=record.reference)
