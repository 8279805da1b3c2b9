"""H1, H2, H6: history becomes reconstructed envelopes, once, and nothing happens because of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from audit.verify import verify_all
from tests.backfill.conftest import Backfill, Log
from tests.backfill.state import in_flight, pairs, state
from tests.workflow.examples.logs import B, C, F, J, P, R, S, V, rows, usual
from workflow.backfill.registered import find
from workflow.engine import clock
from workflow.engine.answer import Conflict, Repeated
from workflow.engine.request import Request
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.models import (
    Attempt,
    BackfillRun,
    EffectEntry,
    Origin,
    Record,
    State,
    TransitionEnvelope,
)
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def test_a_history_becomes_reconstructed_envelopes(log: Log, backfill: Backfill) -> None:
    before = clock.now()
    path = log(rows("case 1", [S, C, F]))
    table = backfill(path)

    assert (table["adopted"], table["anomalies"], table["rejected"]) == (3, {}, {})
    record = Record.objects.get()
    assert (record.reference, record.status) == ("case 1", "final_approved")
    assert (record.version, record.last_transition) == (0, None)
    assert record.status_since == datetime(2017, 1, 3, 8, tzinfo=UTC)
    first, second, third = TransitionEnvelope.objects.order_by("source_position")
    assert [each.state for each in (first, second, third)] == [State.RECONSTRUCTED] * 3
    assert [each.target for each in (first, second, third)] == [
        "submitted",
        "approved_by_administration",
        "final_approved",
    ]
    assert second.origin == Origin.BACKFILL
    assert second.happened_at == datetime(2017, 1, 2, 8, tzinfo=UTC)
    assert before <= second.requested_at <= clock.now()
    run = BackfillRun.objects.get()
    assert (second.source_run, second.source_row, second.source_position) == (run, 3, 2)
    assert second.actor_label == "STAFF MEMBER (administration)"
    assert second.definition_version == 1


def test_the_trail_tells_source_row_and_original_time_and_seals_the_boundary(
    log: Log, backfill: Backfill
) -> None:
    path = log(rows("case 1", [S, F]))
    backfill(path)

    record = Record.objects.get()
    entries = list(Entry.objects.filter(chain=record.pk))
    assert [each.action for each in entries] == ["reconstructed", "reconstructed", "adopted"]
    assert [(each.old, each.new) for each in entries[:2]] == [
        ("draft", "submitted"),
        ("submitted", "final_approved"),
    ]
    assert '"happened_at":"2017-01-02T08:00:00.000000Z"' in entries[1].evidence
    assert f'"source":"{path}"' in entries[1].evidence
    assert '"row":3' in entries[1].evidence
    assert '"events":2' in entries[2].evidence
    run = Entry.objects.filter(chain=BackfillRun.objects.get().pk)
    assert list(run.values_list("action", flat=True)) == ["backfill_begun", "backfill_finished"]
    assert verify_all().is_sound


def test_what_follows_comes_after_the_boundary(log: Log, backfill: Backfill) -> None:
    backfill(log(rows("case 1", [S, C])))
    record = Record.objects.get()
    boss = User.objects.create_superuser("boss")
    wish = Request(
        record=record.pk, transition="reject_as_supervisor", user=boss, reason="too dear"
    )
    submit(request=wish, now=clock.now())
    assert drain()["fired"] == 1
    actions = Entry.objects.filter(chain=record.pk).values_list("action", flat=True)
    assert list(actions)[:4] == ["reconstructed", "reconstructed", "adopted", "requested"]
    record.refresh_from_db()
    assert (record.status, record.version) == ("rejected_by_supervisor", 1)
    assert verify_all().is_sound


def test_fields_have_a_history_with_the_times_of_the_events(log: Log, backfill: Backfill) -> None:
    backfill(log(rows("case 1", [S, F, R, P])))
    subject = Declaration.objects.get()
    assert subject.paid_at == datetime(2017, 1, 4, 8, tzinfo=UTC)
    history = list(subject.history.order_by("history_date", "history_id"))
    assert [each.history_type for each in history] == ["+", "~", "~", "~", "~"]
    assert [each.history_date.day for each in history] == [1, 1, 2, 3, 4]
    assert [bool(each.paid_at) for each in history] == [False, False, False, False, True]
    ids = TransitionEnvelope.objects.order_by("source_position").values_list("pk", flat=True)
    assert [each.transition_id for each in history] == [None, *ids]
    assert all(each.history_change_reason.startswith("Reconstructed") for each in history)


def test_nothing_is_sent_and_nobody_has_to_act(log: Log, backfill: Backfill) -> None:
    backfill(log(usual(10)))
    assert not EffectEntry.objects.exists()
    assert not Attempt.objects.exists()
    assert in_flight() == 0
    assert drain() == {}


def test_no_timer_starts_for_what_is_past_but_one_that_lies_ahead_does(
    log: Log, backfill: Backfill
) -> None:
    yesterday = (clock.now() - timedelta(days=1)).isoformat()
    backfill(log([*rows("old", [V]), *rows("new", [V], occurred_at=yesterday)]))
    timer = TransitionEnvelope.objects.get(state=State.SCHEDULED)
    assert (timer.record.reference, timer.transition) == ("new", "lapse")
    assert timer.due_at == datetime.fromisoformat(yesterday) + timedelta(days=180)
    assert drain(ahead=timedelta(days=181)) == {"fired": 1}
    timer.record.refresh_from_db()
    assert timer.record.status == "withdrawn"


def test_a_second_run_changes_nothing(log: Log, backfill: Backfill) -> None:
    path = log([*usual(20), *rows("odd", [V, R]), *rows("bad", [S], amount="much")])
    first = backfill(path)
    before = state()
    second = backfill(path)
    assert state() == before
    assert second["known"] == first["adopted"] + sum(first["anomalies"].values())
    assert second["rejected"] == first["rejected"] == {"broken_row": 1}
    assert second["adopted"] == 0


def test_every_row_is_accounted_for_by_what_follows_on_what(log: Log, backfill: Backfill) -> None:
    source = usual(25)
    backfill(log(source), "--strict")
    steps = {"": 25}
    for row in source:
        steps[row["activity"]] = steps.get(row["activity"], 0) + 1
    counted = pairs()
    assert sum(counted.values()) == len(source) + 25
    assert counted["", "save"] == counted["save", ""] == steps[V]


def test_a_mixed_up_order_of_records_is_no_matter(log: Log, backfill: Backfill) -> None:
    grouped = usual(15)
    backfill(log(sorted(grouped, key=lambda row: row["occurred_at"])))
    assert pairs()["submit", "check"] == 6
    assert set(Record.objects.values_list("version", flat=True)) == {0}
    assert Record.objects.count() == 15


def test_a_live_retry_of_an_adopted_event_meets_its_envelope(log: Log, backfill: Backfill) -> None:
    backfill(log(rows("case 1", [S, J])))
    mapping = find("declarations")(may_write=False)
    for envelope in TransitionEnvelope.objects.all():
        request = Request(
            record=envelope.record_id,
            transition=envelope.transition,
            transition_id=mapping.transition_id(
                "case 1", f"case 1/{envelope.source_position - 1}"
            ),
            user=envelope.actor,
            reason=envelope.reason,
        )
        answer = submit(request=request, now=clock.now())
        assert isinstance(answer, Repeated)
        assert answer.envelope == envelope
        other = Request(
            record=envelope.record_id,
            transition=envelope.transition,
            transition_id=envelope.pk,
            user=envelope.actor,
            reason="another one",
        )
        assert isinstance(submit(request=other, now=clock.now()), Conflict)


def test_the_public_replay_finds_everything_done(
    log: Log, backfill: Backfill, tmp_path: Path
) -> None:
    from workflow.examples.declarations.replay.people import People
    from workflow.examples.declarations.replay.plan import plan
    from workflow.examples.declarations.replay.rows import read
    from workflow.examples.declarations.replay.sender import Sender

    path = log(usual(5))
    backfill(path)
    cases = list(plan(read(path)).cases.values())
    records = dict(Record.objects.values_list("reference", "pk"))
    sender = Sender(cases=cases, records=records, people=People(), copies=1, clock=clock.now)
    sender.run(after_round=lambda _: None, patience=5)
    assert sender.tally.sent == sender.tally.deduplicated == sum(len(c.steps) for c in cases)


def test_a_dry_run_tells_the_same_and_writes_nothing(log: Log, backfill: Backfill) -> None:
    path = log([*usual(20), *rows("odd", [V, R]), *rows("bad", [S], amount="much")])
    before = state()
    users = User.objects.count()
    told = backfill(path, "--dry-run")
    assert state() == before
    assert User.objects.count() == users
    assert not BackfillRun.objects.exists()
    done = backfill(path)
    for what in ("rows", "adopted", "anomalies", "rejected", "records"):
        assert told[what] == done[what]


def test_the_number_of_statements_does_not_depend_on_the_number_of_records(
    log: Log, backfill: Backfill
) -> None:
    def statements(cases: int) -> int:
        path = log([row for row in usual(cases) if row["case_id"] != "case 3"])
        with CaptureQueriesContext(connection) as seen:
            backfill(path, "--batch", "1000")
        # Django inserts the subjects, as many at once as the database takes parameters.
        subjects = f"INSERT INTO {connection.ops.quote_name(Declaration._meta.db_table)} "
        return sum(not each["sql"].startswith(subjects) for each in seen)

    statements(5)  # makes the people
    few = statements(10)
    many = statements(300)
    assert many <= few + 2


def test_an_hour_that_comes_twice_is_kept_apart() -> None:
    from zoneinfo import ZoneInfo

    from audit.fields import _naive

    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Amsterdam"))
    assert first == first.replace(fold=1)
    assert _naive(first) == "2026-10-25 00:30:00"
    assert _naive(first.replace(fold=1)) == "2026-10-25 01:30:00"


def test_the_spool_is_gone_at_the_end(log: Log, backfill: Backfill, tmp_path: Path) -> None:
    backfill(log(usual(3)))
    assert list((tmp_path / "spool").iterdir()) == []


def test_what_is_told_of_another_status_is_kept(log: Log, backfill: Backfill) -> None:
    backfill(log(rows("case 1", [S, J, B, S])))
    stands = Record.objects.get()
    assert stands.status == "submitted"
    assert [e.target for e in TransitionEnvelope.objects.order_by("source_position")] == [
        "submitted",
        "rejected_by_administration",
        "rejected_by_employee",
        "submitted",
    ]
