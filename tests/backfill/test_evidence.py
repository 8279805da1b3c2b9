"""Adopted records among the rest: explained by their trail, exported, personal data concealed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from audit.models import Entry, PersonalValue, Unsealed
from audit.verify import verify_all
from tests.backfill.conftest import Backfill, Log
from tests.backfill.test_continue import ask, started
from tests.workflow.examples.logs import C, F, J, S, rows
from workflow.evidence.eventlog.events import Selection, cases
from workflow.examples.declarations.models import Declaration
from workflow.models import Record, TransitionEnvelope
from workflow.queries.drift import drift, drifting
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def test_every_record_stands_where_its_trail_left_it(log: Log, backfill: Backfill) -> None:
    boss = User.objects.create_superuser("boss")
    live = started(boss, "live")
    ask(live, boss, "save")
    drain()
    new, moved = rows("new", [S, C]), rows("moved", [S, C, F])
    backfill(log([*new, *moved[:1], *rows("live", [S, J])]))
    backfill(log([*new, *moved, *rows("live", [S, J])]))
    ask(Record.objects.get(reference="new"), boss)
    drain()

    assert list(drifting()) == []
    assert [each for record in Record.objects.all() for each in drift(record=record)] == []
    report = verify_all()
    assert report.is_sound
    chains = set(Unsealed.objects.values_list("chain", flat=True))
    assert chains >= set(Record.objects.values_list("pk", flat=True))


def test_a_record_that_was_moved_behind_its_trail_is_found(log: Log, backfill: Backfill) -> None:
    backfill(log(rows("case 1", [S, F])))
    told = Entry.objects.get(action="adopted")
    assert (told.new, told.transition_id) == ("final_approved", None)
    record = Record.objects.get()
    record.status = "payment_handled"
    from django.db import connection

    from workflow.testing.guards import lifted

    with lifted(connection):
        record.save()
    assert [str(each.what) for each in drifting()] == ["status"]


def test_the_event_log_tells_history_at_its_own_time(log: Log, backfill: Backfill) -> None:
    backfill(log(rows("case 1", [S, F])))
    (case,) = cases(Selection(workflow="declaration"))
    assert [(event.activity, event.at) for event in case.events] == [
        ("submit", datetime(2017, 1, 1, 8, tzinfo=UTC)),
        ("approve_final", datetime(2017, 1, 2, 8, tzinfo=UTC)),
    ]


def test_personal_data_is_concealed_in_envelope_entry_and_history(
    log: Log, backfill: Backfill, settings: Settings
) -> None:
    settings.AUDIT = {**getattr(settings, "AUDIT", {}), "PERSONAL": ["actor", "reason"]}
    path = log(rows("case 1", [S, J]))
    backfill(path)
    envelope = TransitionEnvelope.objects.get(source_position=2)
    entry = Entry.objects.get(transition_id=envelope.pk)
    row = Declaration.objects.get().history.get(transition_id=envelope.pk)
    assert envelope.actor_label == entry.actor
    assert envelope.reason == entry.reason
    assert row.history_change_reason.endswith(envelope.reason)
    kept = {each.digest: each.value for each in PersonalValue.objects.all()}
    assert kept[envelope.actor_label.removeprefix("personal:")] == "STAFF MEMBER (administration)"
    assert "ADMINISTRATION" in kept[envelope.reason.removeprefix("personal:")]
    assert verify_all().is_sound
    assert backfill(path)["known"] == 2
