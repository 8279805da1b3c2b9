"""What was asked is never rewritten, what is settled stays settled, no fence falls. Feature A8."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, models, transaction

from tests.workflow.models.guards.attacks import (
    CHANGES,
    DELETIONS,
    ON_POSTGRESQL,
    Change,
    run,
    table,
)
from tests.workflow.models.guards.conftest import Refused
from tests.workflow.models.guards.rows import (
    NOW,
    fire,
    make_envelope,
    make_record,
    make_run,
)
from workflow.models import FINAL, Record, State, TransitionEnvelope, uuid7

LATER = NOW + datetime.timedelta(hours=1)
ASKED = "keeps what was asked"
SETTLED = "is settled, its outcome is final"

ENDS = [state for state in FINAL if state != State.RECONSTRUCTED]
"""What was asked here ends so; history has tests of its own."""

REWRITTEN: dict[str, Any] = {
    "transition_id": uuid7(),
    "record": None,  # another one, made by the test
    "workflow": "permit",
    "definition_version": 2,
    "transition": "approve",
    "target": "paid",
    "actor": None,  # a user, made by the test
    "actor_label": "Eve",
    "reason": "because",
    "payload": {"receipts": 3},
    "digest": "f" * 64,
    "origin": "api",
    "correlation_id": "d",
    "expected_version": 7,
    "traceparent": "00-1-2-01",
    "requested_at": LATER,
    "happened_at": LATER,
    "source_run": None,  # another one, made by the test
    "source_row": 7,
    "source_position": 7,
    "deadline_at": LATER,
    "priority": 1,
}

FARING: dict[str, Any] = {
    "state": State.RUNNING,
    "due_at": LATER,
    "fence": 1,
    "claim": uuid7(),
    "worker": "w",
    "claimed_at": NOW,
    "attempts": 1,
    "crashes": 1,
    "called": 1,
    "closing_as": "failed",
    "code": "timeout",
    "message": "It took too long.",
    "resulting_version": 1,
    "finished_at": LATER,
}


def test_every_column_is_either_asked_or_faring() -> None:
    """A new column is guarded unless it is named as one that may change; here as well."""
    fields = {field.name for field in TransitionEnvelope._meta.concrete_fields}
    assert fields == {*REWRITTEN, *FARING}


@pytest.mark.parametrize("name", REWRITTEN)
@pytest.mark.parametrize("way", ["queryset update", "raw SQL"])
def test_nothing_that_was_asked_is_rewritten(
    envelope: TransitionEnvelope, name: str, way: str, refused: Refused
) -> None:
    value = REWRITTEN[name]
    if name == "record":
        value = make_record()
    if name == "source_run":
        value = make_run()
    if name == "actor":
        value = get_user_model().objects.create(username="eve")
    with refused(ASKED):
        CHANGES[way](envelope, **{name: value})


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_way_of_rewriting_a_payload(
    envelope: TransitionEnvelope, change: Change, refused: Refused
) -> None:
    with refused(f"{ASKED}|has such a row"):
        change(envelope, payload={"receipts": 3})
    assert TransitionEnvelope.objects.get(pk=envelope.pk).payload == {"receipts": 2}


@pytest.mark.parametrize("state", ENDS)
def test_what_was_asked_is_kept_after_the_end_too(
    record: Record, state: State, refused: Refused
) -> None:
    envelope = make_envelope(record)
    TransitionEnvelope.objects.filter(pk=envelope.pk).update(state=state, finished_at=NOW)
    with refused(ASKED):
        CHANGES["raw SQL"](envelope, reason="because")


@pytest.mark.parametrize("way", ["save", "queryset update", "bulk update", "raw SQL"])
def test_how_it_fares_may_change(envelope: TransitionEnvelope, way: str) -> None:
    envelope.refresh_from_db()
    under_way = {name: value for name, value in FARING.items() if name != "finished_at"}
    for values in (under_way, {"state": State.FAILED, "finished_at": LATER}):
        CHANGES[way](envelope, **values)
        envelope.refresh_from_db()
        assert {name: getattr(envelope, name) for name in values} == values


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", State.WAITING),
        ("code", "other"),
        ("resulting_version", 9),
        ("finished_at", LATER),
        ("fence", 9),
    ],
)
@pytest.mark.parametrize("end", ENDS)
def test_an_outcome_is_final(
    envelope: TransitionEnvelope, end: State, name: str, value: Any, refused: Refused
) -> None:
    CHANGES["queryset update"](envelope, state=end, finished_at=NOW, code="x", fence=3)
    with refused(SETTLED):
        CHANGES["raw SQL"](envelope, **{name: value})


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_way_of_reviving_an_envelope(
    envelope: TransitionEnvelope, change: Change, refused: Refused
) -> None:
    CHANGES["queryset update"](envelope, state=State.FAILED, finished_at=NOW)
    envelope.refresh_from_db()
    with refused(f"{SETTLED}|has such a row"):
        change(envelope, state=State.WAITING, finished_at=None)
    assert TransitionEnvelope.objects.get(pk=envelope.pk).state == State.FAILED


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_fence_never_falls(
    envelope: TransitionEnvelope, change: Change, refused: Refused
) -> None:
    CHANGES["queryset update"](envelope, fence=2)
    envelope.refresh_from_db()
    with refused("never lowers its fence|has such a row"):
        change(envelope, fence=1)
    assert TransitionEnvelope.objects.get(pk=envelope.pk).fence == 2


def test_an_envelope_is_not_born_fired(record: Record, refused: Refused) -> None:
    with refused("asked for first and fired later"):
        make_envelope(record, state=State.FIRED)


def test_an_envelope_is_not_born_with_the_version_it_made(
    record: Record, refused: Refused
) -> None:
    with refused("asked for first and fired later"):
        make_envelope(record, resulting_version=1)


def reconstructed(record: Record, **values: Any) -> TransitionEnvelope:
    told = {"origin": "backfill", "happened_at": NOW, "source_run": make_run(), "due_at": None}
    return make_envelope(record, state=State.RECONSTRUCTED, finished_at=NOW, **{**told, **values})


def test_history_may_be_born_reconstructed_and_stays_as_it_is(
    record: Record, refused: Refused
) -> None:
    envelope = reconstructed(record)
    for name, value in {"state": State.FIRED, "resulting_version": 1, "code": "x"}.items():
        with refused(SETTLED):
            CHANGES["raw SQL"](envelope, **{name: value})


def test_history_never_moves_a_record(record: Record, refused: Refused) -> None:
    """Whoever inserts a past may tell anything; the record stays where it is."""
    envelope = reconstructed(record, target="paid")
    with refused("changes status only by an envelope fired for it"):
        CHANGES["raw SQL"](record, status="paid", version=1, last_transition=envelope)


@pytest.mark.parametrize(
    "lacking",
    [{"origin": "api"}, {"happened_at": None}, {"source_run": None}],
    ids=lambda lacking: next(iter(lacking)),
)
def test_history_says_where_it_comes_from(record: Record, lacking: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        reconstructed(record, **lacking)


def test_what_was_asked_here_is_not_declared_history(envelope: TransitionEnvelope) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        CHANGES["raw SQL"](envelope, state=State.RECONSTRUCTED)


def test_an_envelope_may_be_born_refused(record: Record) -> None:
    make_envelope(record, state=State.REFUSED, finished_at=NOW, code="in_flight")


@pytest.mark.parametrize("delete", DELETIONS.values(), ids=DELETIONS)
def test_an_envelope_is_never_deleted(
    envelope: TransitionEnvelope, delete: Callable[[models.Model], None], refused: Refused
) -> None:
    with refused("are never deleted"):
        delete(envelope)
    assert TransitionEnvelope.objects.filter(pk=envelope.pk).exists()


def test_a_fired_envelope_is_never_deleted(envelope: TransitionEnvelope, refused: Refused) -> None:
    fire(envelope)
    with refused("are never deleted"):
        DELETIONS["raw SQL"](envelope)


@ON_POSTGRESQL
def test_envelopes_are_not_truncated(refused: Refused) -> None:
    """Without CASCADE the foreign keys refuse before the guard is asked."""
    with refused("rows of workflow_transitionenvelope are never deleted"):
        run(f"TRUNCATE {table(TransitionEnvelope)} CASCADE")
