"""A record's status, version and last transition change only by an envelope fired for just that.

Invariant 2, feature B1.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, models

from tests.workflow.models.guards.attacks import (
    CHANGES,
    DELETIONS,
    ON_POSTGRESQL,
    Change,
    run,
    table,
)
from tests.workflow.models.guards.conftest import Refused
from tests.workflow.models.guards.rows import NOW, fire, make_envelope, make_record
from workflow.models import Record, State, TransitionEnvelope, guards

LATER = NOW + datetime.timedelta(hours=1)
UNFIRED = "changes status only by an envelope fired for it"

# A row that exists is refused to SQLite's upsert before its update is looked at.
UPSERT_TOO = f"{UNFIRED}|has such a row|starts at version 0"


def move(envelope: TransitionEnvelope, version: int = 1) -> dict[str, Any]:
    """Return what the engine writes into the record when the envelope fires."""
    return {
        "status": envelope.target,
        "version": version,
        "last_transition": envelope,
        "status_since": LATER,
    }


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_way_of_changing_a_status_without_an_envelope(
    record: Record, change: Change, refused: Refused
) -> None:
    with refused(UPSERT_TOO):
        change(record, status="paid")
    assert Record.objects.get(pk=record.pk).status == "draft"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_way_of_changing_it_with_an_envelope_that_has_not_fired(
    record: Record, envelope: TransitionEnvelope, change: Change, refused: Refused
) -> None:
    with refused(UPSERT_TOO):
        change(record, **move(envelope))
    assert Record.objects.get(pk=record.pk).version == 0


@pytest.mark.parametrize("way", ["save", "queryset update", "bulk update", "raw SQL"])
def test_a_fired_envelope_moves_its_record(
    record: Record, envelope: TransitionEnvelope, way: str
) -> None:
    fire(envelope)
    CHANGES[way](record, **move(envelope))
    record.refresh_from_db()
    assert (record.status, record.version) == ("submitted", 1)
    assert record.last_transition == envelope


def test_a_record_moves_on_by_its_next_envelope(
    record: Record, envelope: TransitionEnvelope
) -> None:
    fire(envelope)
    CHANGES["queryset update"](record, **move(envelope))
    following = make_envelope(record, transition="approve", target="approved")
    fire(following, version=2)
    CHANGES["queryset update"](record, **move(following, version=2))
    record.refresh_from_db()
    assert (record.status, record.version) == ("approved", 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "paid"), ("version", 1), ("status_since", LATER)],
)
def test_none_of_the_moving_columns_moves_alone(
    record: Record, name: str, value: Any, refused: Refused
) -> None:
    with refused(UNFIRED):
        CHANGES["raw SQL"](record, **{name: value})


def test_the_last_transition_does_not_change_alone(
    record: Record, envelope: TransitionEnvelope, refused: Refused
) -> None:
    fire(envelope)
    with refused(UNFIRED):
        CHANGES["raw SQL"](record, last_transition=envelope)


Spoil = Callable[[TransitionEnvelope], dict[str, Any]]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: {"status": "paid"}, id="another status than its target"),
        pytest.param(lambda _: {"version": 2}, id="another version than it made"),
        pytest.param(lambda _: {"version": 0}, id="no new version"),
        pytest.param(lambda _: {"last_transition": None}, id="no transition named"),
    ],
)
def test_a_fired_envelope_serves_for_nothing_but_what_it_says(
    record: Record, envelope: TransitionEnvelope, spoil: Spoil, refused: Refused
) -> None:
    fire(envelope)
    with refused(UNFIRED):
        CHANGES["raw SQL"](record, **{**move(envelope), **spoil(envelope)})


def test_an_envelope_does_not_move_another_record(
    record: Record, envelope: TransitionEnvelope, refused: Refused
) -> None:
    fire(envelope)
    with refused(UNFIRED):
        CHANGES["raw SQL"](make_record(), **move(envelope))


def test_an_envelope_fired_for_a_later_version_does_not_skip_one(
    record: Record, envelope: TransitionEnvelope, refused: Refused
) -> None:
    fire(envelope, version=2)
    with refused(UNFIRED):
        CHANGES["raw SQL"](record, **move(envelope, version=2))


@pytest.mark.parametrize("made", [None, 2])
def test_an_envelope_fired_for_another_version_does_not_make_this_one(
    record: Record, envelope: TransitionEnvelope, made: int | None, refused: Refused
) -> None:
    fire(envelope, version=made)
    with refused(UNFIRED):
        CHANGES["raw SQL"](record, **move(envelope))


@pytest.mark.parametrize("state", [State.REFUSED, State.FAILED, State.CANCELLED, State.PARKED])
def test_an_envelope_that_came_to_another_end_moves_nothing(
    record: Record, envelope: TransitionEnvelope, state: State, refused: Refused
) -> None:
    ended = None if state == State.PARKED else NOW
    TransitionEnvelope.objects.filter(pk=envelope.pk).update(
        state=state, resulting_version=1, finished_at=ended
    )
    with refused(UNFIRED):
        CHANGES["raw SQL"](record, **move(envelope))


def test_an_envelope_moves_its_record_once(
    record: Record, envelope: TransitionEnvelope, refused: Refused
) -> None:
    fire(envelope)
    CHANGES["raw SQL"](record, **move(envelope))
    with refused(UNFIRED):
        CHANGES["raw SQL"](record, **move(envelope, version=2))


def test_an_envelope_that_is_named_already_is_no_new_one(
    record: Record, envelope: TransitionEnvelope, refused: Refused
) -> None:
    """Only a row from before the guards can be like this; hence they are lifted for it."""
    fire(envelope)
    guards.remove(connection)
    Record.objects.filter(pk=record.pk).update(last_transition=envelope)
    guards.install(connection)
    with refused(UNFIRED):
        CHANGES["raw SQL"](record, **move(envelope))


def test_a_record_does_not_go_back(
    record: Record, envelope: TransitionEnvelope, refused: Refused
) -> None:
    fire(envelope)
    CHANGES["raw SQL"](record, **move(envelope))
    with refused(UNFIRED):
        CHANGES["raw SQL"](record, status="draft", version=0, last_transition=None)


def test_one_bad_row_stops_the_whole_statement(record: Record, refused: Refused) -> None:
    good = [make_record() for _ in range(2)]
    for each in good:
        fire(make_envelope(each))
    theirs = TransitionEnvelope.objects.filter(record=models.OuterRef("pk")).values("pk")
    with refused(UNFIRED):
        Record.objects.filter(pk__in=[record.pk, *(each.pk for each in good)]).update(
            status="submitted", version=1, last_transition=models.Subquery(theirs)
        )
    assert not Record.objects.exclude(version=0).exists()


def test_a_whole_batch_moves_in_one_statement() -> None:
    batch = [make_record() for _ in range(50)]
    for each in batch:
        fire(make_envelope(each))
    theirs = TransitionEnvelope.objects.filter(record=models.OuterRef("pk")).values("pk")
    moved = Record.objects.update(
        status="submitted",
        version=models.F("version") + 1,
        last_transition=models.Subquery(theirs),
    )
    assert moved == Record.objects.filter(version=1).count() == 50


def test_writing_the_same_again_is_no_change(record: Record) -> None:
    record.refresh_from_db()
    record.save()


def test_the_reference_may_change(record: Record) -> None:
    CHANGES["save"](record, reference="D-1")
    assert Record.objects.get(pk=record.pk).reference == "D-1"


@pytest.mark.parametrize(
    ("name", "value"),
    [("id", uuid.UUID(int=7)), ("workflow", "permit"), ("created_at", LATER)],
)
@pytest.mark.parametrize("way", ["queryset update", "raw SQL"])
def test_what_a_record_is_never_changes(
    record: Record, name: str, value: Any, way: str, refused: Refused
) -> None:
    with refused("keeps its id, workflow, created_at"):
        CHANGES[way](record, **{name: value})


def test_every_other_column_is_one_that_moves_or_is_fixed() -> None:
    known = {"id", "workflow", "created_at", "reference"}
    moving = {"status", "version", "last_transition", "status_since"}
    assert {field.name for field in Record._meta.concrete_fields} == known | moving


@pytest.mark.parametrize("values", [{"version": 1}, {"version": -1}])
def test_a_record_starts_at_version_0(values: dict[str, Any], refused: Refused) -> None:
    with refused("starts at version 0"):
        make_record(**values)


def test_a_record_starts_without_a_transition(
    envelope: TransitionEnvelope, refused: Refused
) -> None:
    with refused("without a transition"):
        Record.objects.bulk_create(
            [
                Record(
                    workflow="declaration",
                    reference="D-1",
                    status="paid",
                    last_transition=envelope,
                    status_since=NOW,
                    created_at=NOW,
                )
            ]
        )


@pytest.mark.parametrize("delete", DELETIONS.values(), ids=DELETIONS)
def test_a_record_is_never_deleted(
    record: Record, delete: Callable[[models.Model], None], refused: Refused
) -> None:
    with refused("are never deleted"):
        delete(record)
    assert Record.objects.filter(pk=record.pk).exists()


def test_an_envelope_table_that_shadows_the_real_one_is_not_believed(
    record: Record, envelope: TransitionEnvelope, refused: Refused
) -> None:
    name = table(TransitionEnvelope)
    shadow = f"{'temp' if connection.vendor == 'sqlite' else 'pg_temp'}.{name}"
    run(f"CREATE TEMP TABLE {name} AS SELECT * FROM {name}")
    run(f"UPDATE {shadow} SET state = 'fired', resulting_version = 1")
    with refused(UNFIRED):
        CHANGES["raw SQL"](record, **move(envelope))


@ON_POSTGRESQL
def test_an_operator_that_calls_everything_equal_is_not_asked(
    record: Record, envelope: TransitionEnvelope, refused: Refused
) -> None:
    TransitionEnvelope.objects.filter(pk=envelope.pk).update(resulting_version=1)
    run("CREATE SCHEMA evil")
    run("CREATE FUNCTION evil.yes(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true'")
    run("CREATE OPERATOR evil.= (FUNCTION = evil.yes, LEFTARG = varchar, RIGHTARG = varchar)")
    with refused(UNFIRED):
        run("SET LOCAL search_path = evil, pg_catalog, public")
        CHANGES["raw SQL"](record, **move(envelope))


@ON_POSTGRESQL
def test_records_are_not_truncated(refused: Refused) -> None:
    """Without CASCADE the foreign keys refuse before the guard is asked."""
    with refused("rows of workflow_record are never deleted"):
        run(f"TRUNCATE {table(Record)} CASCADE")


@ON_POSTGRESQL
def test_a_merge_is_an_update(record: Record, refused: Refused) -> None:
    with refused(UNFIRED):
        run(
            f"MERGE INTO {table(Record)} r USING (SELECT %s::uuid AS id) s ON r.id = s.id"
            " WHEN MATCHED THEN UPDATE SET status = 'paid'",
            record.pk,
        )
