"""What is to be sent is never rewritten, and what was done stays done."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.db import models

from tests.workflow.models.guards.attacks import (
    CHANGES,
    DELETIONS,
    ON_POSTGRESQL,
    Change,
    run,
    table,
)
from tests.workflow.models.guards.conftest import Refused
from tests.workflow.models.guards.rows import NOW, make_effect, make_envelope, make_record
from workflow.models import EFFECT_FINAL, EffectEntry, EffectState, Record, uuid7

LATER = NOW + datetime.timedelta(hours=1)
ASKED = "keeps what was asked"
SETTLED = "is settled, its outcome is final"

REWRITTEN: dict[str, Any] = {
    "id": 99_999,
    "envelope": None,  # another one, made by the test
    "record": None,
    "name": "letter",
    "phase": "undo",
    "position": 3,
    "channel": "post",
    "recovery": "resend",
    "priority": 1,
    "request": {"amount": "99.00"},
    "undoes": None,
    "planned_at": LATER,
}

FARING: dict[str, Any] = {
    "state": EffectState.SENDING,
    "due_at": LATER,
    "fence": 1,
    "claim": uuid7(),
    "worker": "w",
    "claimed_at": NOW,
    "send_until": LATER,
    "attempts": 1,
    "checks": 1,
    "crashes": 1,
    "is_doubtful": True,
    "first_sent_at": NOW,
    "receipt": {"number": 1},
    "code": "timeout",
    "message": "It took too long.",
    "fraction": 0.5,
    "progress_note": "half",
    "heard_at": NOW,
    "waits_until": LATER,
    "finished_at": LATER,
}


@pytest.fixture
def effect(record: Record) -> EffectEntry:
    return make_effect(record)


def test_every_column_is_either_asked_or_faring() -> None:
    fields = {field.name for field in EffectEntry._meta.concrete_fields}
    assert fields == {*REWRITTEN, *FARING}


@pytest.mark.parametrize("name", REWRITTEN)
@pytest.mark.parametrize("way", ["queryset update", "raw SQL"])
def test_what_is_to_be_sent_is_never_rewritten(
    effect: EffectEntry, name: str, way: str, refused: Refused
) -> None:
    value = REWRITTEN[name]
    if name == "envelope":
        value = make_envelope(make_record())
    if name == "record":
        value = make_record()
    if name == "undoes":
        value = make_effect(make_record())
    # (SQLite's primary key is its rowid, for which another guard speaks first.)
    with refused(f"{ASKED}|has such a row"):
        CHANGES[way](effect, **{name: value})


@pytest.mark.parametrize("name", FARING)
def test_how_it_fares_may_change(effect: EffectEntry, name: str) -> None:
    CHANGES["queryset update"](effect, **{name: FARING[name]})


@pytest.mark.parametrize("state", EFFECT_FINAL)
@pytest.mark.parametrize(
    "forged",
    [
        {"state": EffectState.WAITING},
        {"receipt": {"number": 2}},
        {"code": "other"},
        {"finished_at": None},
        {"fence": 9},
    ],
    ids=lambda forged: next(iter(forged)),
)
def test_an_outcome_is_final(
    record: Record, state: EffectState, forged: dict[str, Any], refused: Refused
) -> None:
    effect = make_effect(record)
    EffectEntry.objects.filter(pk=effect.pk).update(state=state, finished_at=NOW)
    with refused(SETTLED):
        CHANGES["raw SQL"](effect, **forged)


def test_no_fence_falls(effect: EffectEntry, refused: Refused) -> None:
    CHANGES["queryset update"](effect, fence=3)
    with refused("never lowers its fence"):
        CHANGES["queryset update"](effect, fence=2)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_way_of_rewriting_a_request(
    effect: EffectEntry, change: Change, refused: Refused
) -> None:
    with refused(f"{ASKED}|has such a row"):
        change(effect, request={"amount": "99.00"})


@pytest.mark.parametrize("delete", DELETIONS.values(), ids=DELETIONS)
def test_no_way_of_deleting_one(
    effect: EffectEntry, delete: Callable[[models.Model], None], refused: Refused
) -> None:
    with refused("are never deleted"):
        delete(effect)


@ON_POSTGRESQL
def test_no_truncating(refused: Refused) -> None:
    with refused("are never deleted|is append-only"):
        run(f"TRUNCATE {table(EffectEntry)} CASCADE")
