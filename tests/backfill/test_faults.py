"""H4: what does not fit is adopted as an anomaly, or rejected with its reason, never dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.models import Entry
from tests.backfill.conftest import Backfill, Log
from tests.backfill.state import pairs, state
from tests.workflow.examples.logs import C, F, P, R, Row, S, V, rows
from workflow.backfill.mapping import Event, Told
from workflow.backfill.registered import register, unregister
from workflow.examples.declarations.mappings import DeclarationLog
from workflow.examples.declarations.models import Declaration
from workflow.models import BackfillReject, Fault, Record, TransitionEnvelope

pytestmark = pytest.mark.django_db


def at(row: Row, time: str) -> Row:
    return {**row, "occurred_at": time}


def rejects() -> list[tuple[int, str]]:
    return list(BackfillReject.objects.values_list("source_row", "code"))


def test_a_step_that_no_workflow_has_is_adopted_and_named(log: Log, backfill: Backfill) -> None:
    table = backfill(log(rows("odd", [V, R, P])))
    assert (table["adopted"], table["anomalies"]) == (2, {"illegal_edge": 1})
    assert Record.objects.get().status == "payment_handled"
    odd = TransitionEnvelope.objects.get(source_position=2)
    assert odd.code == "illegal_edge"
    assert odd.message == (
        "'request_payment' leads from 'final_approved' to 'payment_requested';"
        " this one led from 'saved' to 'payment_requested'."
    )
    entry = Entry.objects.get(transition_id=odd.pk)
    assert '"anomaly":"illegal_edge"' in entry.evidence


def test_under_a_strict_policy_it_is_rejected_and_moves_nothing(
    log: Log, backfill: Backfill
) -> None:
    table = backfill(log(rows("odd", [V, R, P])), "--strict")
    assert (table["adopted"], table["rejected"]) == (1, {"illegal_edge": 2})
    assert Record.objects.get().status == "saved"
    assert rejects() == [(3, "illegal_edge"), (4, "illegal_edge")]
    kept = BackfillReject.objects.get(source_row=3)
    assert (kept.reference, kept.transition) == ("odd", "request_payment")
    assert '"activity":"Request Payment"' in kept.raw
    assert pairs() == {
        ("", "save"): 1,
        ("save", "request_payment"): 1,
        ("request_payment", "confirm_payment"): 1,
        ("confirm_payment", ""): 1,
    }


def test_a_record_of_which_nothing_fits_is_not_made(log: Log, backfill: Backfill) -> None:
    table = backfill(log(rows("odd", [R, P])), "--strict")
    assert table["records"] == {}
    assert not Record.objects.exists()
    assert len(rejects()) == 2


def test_time_that_goes_back_is_an_anomaly(log: Log, backfill: Backfill) -> None:
    first, second = rows("back", [S, F])
    table = backfill(log([first, at(second, "2016-12-31T09:00:00+01:00")]))
    assert table["anomalies"] == {"time_back": 1}
    assert Record.objects.get().status == "final_approved"


def test_what_is_yet_to_come_is_rejected(log: Log, backfill: Backfill) -> None:
    first, second = rows("ahead", [S, F])
    table = backfill(log([first, at(second, "2999-01-01T09:00:00+01:00")]))
    assert table["rejected"] == {"future": 1}


def test_a_row_that_repeats_another_is_counted_and_one_that_contradicts_it_rejected(
    log: Log, backfill: Backfill
) -> None:
    first, second = rows("twice", [S, F])
    other = {**second, "resource": "SOMEBODY ELSE"}
    table = backfill(log([first, second, second, other]))
    assert (table["adopted"], table["repeated"]) == (2, 1)
    assert rejects() == [(5, "duplicate_id")]


class Picky(DeclarationLog):
    """Knows nobody but the staff, and chokes on some rows."""

    name = "picky"

    def actor(self, name: str) -> Any:
        return None if name.endswith("STRANGER") else super().actor(name)

    def event(self, row: Any) -> Event:
        event = super().event(row)
        if row["resource"] == "BOMB":
            raise RuntimeError("boom")
        if row["resource"] == "UNKNOWN STATUS":
            return Event(
                reference=event.reference,
                id=event.id,
                transition=event.transition,
                happened_at=event.happened_at,
                status="nowhere",
            )
        if row["resource"] == "GAP":
            return Event(
                reference=event.reference,
                id=event.id,
                transition=event.transition,
                happened_at=event.happened_at,
                old="saved",
            )
        if row["resource"] == "PAYLOAD":
            return replace(event, payload={"cost_centre": "42", "deep": [1, None, {"a": "é"}]})
        if row["resource"] == "UNKNOWN TRANSITION":
            return Event(
                reference=event.reference,
                id=event.id,
                transition="jump",
                happened_at=event.happened_at,
            )
        return event

    def subject(self, case: Any) -> Declaration:
        if case.reference == "unmakeable":
            raise LookupError("no such budget")
        return super().subject(case)

    def apply(self, subject: Declaration, told: Told) -> None:
        if told.event.reference == "too long":
            subject.currency = "far too long"
        super().apply(subject, told)


class Lenient(Picky):
    name = "lenient"
    adopts = (Fault.UNKNOWN_ACTOR,)


@pytest.fixture(autouse=True)
def _picky() -> Iterator[None]:
    register(Picky)
    register(Lenient)
    yield
    unregister(Picky)
    unregister(Lenient)


@pytest.mark.parametrize(
    ("resource", "kind", "code"),
    [
        ("BOMB", "rejected", "mapping_failed"),
        ("UNKNOWN STATUS", "rejected", "unknown_status"),
        ("UNKNOWN TRANSITION", "rejected", "unknown_transition"),
        ("GAP", "anomalies", "gap"),
        ("STRANGER", "anomalies", "unknown_actor"),
    ],
)
def test_each_fault_is_named(
    log: Log, backfill: Backfill, resource: str, kind: str, code: str
) -> None:
    first, second, third = rows("case 1", [S, C, F])
    source = [first, {**second, "resource": resource}, third, *rows("case 2", [S, F])]
    table = backfill(log(source), mapping="picky")
    assert table[kind] == {code: 1}
    assert table["adopted"] == 4


def test_what_an_event_carried_is_kept(log: Log, backfill: Backfill) -> None:
    first, second = rows("case 1", [S, C])
    path = log([first, {**second, "resource": "PAYLOAD"}])
    backfill(path, mapping="picky")
    kept = TransitionEnvelope.objects.get(source_position=2)
    assert kept.payload == {"cost_centre": "42", "deep": [1, None, {"a": "é"}]}
    assert backfill(path, mapping="picky")["known"] == 2


def test_a_policy_may_adopt_some_faults_and_not_others(log: Log, backfill: Backfill) -> None:
    first, second = rows("case 1", [S, F])
    source = [first, {**second, "resource": "STRANGER"}, *rows("case 2", [V, R])]
    table = backfill(log(source), mapping="lenient")
    assert (table["anomalies"], table["rejected"]) == ({"unknown_actor": 1}, {"illegal_edge": 1})
    stranger = TransitionEnvelope.objects.get(code="unknown_actor")
    assert (stranger.actor, stranger.actor_label) == (None, "SUPERVISOR/STRANGER")


def test_a_mapping_that_raises_costs_one_record(log: Log, backfill: Backfill) -> None:
    source = [*rows("a", [S]), *rows("unmakeable", [S, F]), *rows("z", [S])]
    table = backfill(log(source), mapping="picky")
    assert (table["adopted"], table["rejected"]) == (2, {"mapping_failed": 2})
    assert "LookupError: no such budget" in BackfillReject.objects.first().message
    assert set(Record.objects.values_list("reference", flat=True)) == {"a", "z"}


@pytest.mark.django_db(transaction=True)
def test_what_the_database_refuses_costs_one_record(log: Log, backfill: Backfill) -> None:
    source = [*rows("a", [S]), *rows("huge", [S, F]), *rows("z", [S])]
    for row in source:
        if row["case_id"] == "huge":
            row["declaration_number"] = "9" * 101
    from django.db import connection

    table = backfill(log(source), mapping="picky")
    if connection.vendor == "sqlite":  # which minds no length
        assert table["adopted"] == 4
        return
    # Whoever sees it first says so: the mapping's own check of its fields, or the database.
    assert table["adopted"] == 2
    assert table["rejected"] in ({"database_refused": 2}, {"mapping_failed": 2})
    assert set(Record.objects.values_list("reference", flat=True)) == {"a", "z"}


def test_a_mended_source_is_run_again_and_its_rejects_are_resolved(
    log: Log, backfill: Backfill
) -> None:
    first, second, third, fourth = rows("case 1", [S, C, F, R])
    broken = {**second, "resource": "UNKNOWN TRANSITION"}
    backfill(log([first, broken, third, {**fourth, "amount": "much"}]), mapping="picky")
    assert BackfillReject.objects.filter(resolved_at=None).count() == 2
    assert Record.objects.get().status == "final_approved"

    table = backfill(log([first, second, third, fourth]), mapping="picky")
    assert (table["adopted"], table["known"], table["rejected"]) == (2, 2, {})
    assert not BackfillReject.objects.filter(resolved_at=None).exists()
    record = Record.objects.get()
    assert (record.status, record.version) == ("payment_requested", 1)
    assert pairs() == {
        ("", "submit"): 1,
        ("submit", "check"): 1,
        ("check", "approve_final"): 1,
        ("approve_final", "request_payment"): 1,
        ("request_payment", ""): 1,
    }


def test_rejects_are_taken_away_mended_and_brought_back(
    log: Log, backfill: Backfill, tmp_path: Path
) -> None:
    import io

    from django.core.management import call_command

    from workflow.models import BackfillRun

    first, second = rows("case 1", [S, F])
    backfill(log([first, {**second, "activity": "Declaration BLESSED"}]))
    out = tmp_path / "rejects.jsonl"
    call_command(
        "backfill_rejects",
        str(BackfillRun.objects.get().pk),
        "--out",
        str(out),
        stdout=io.StringIO(),
    )
    text = out.read_text()
    assert "activity 'Declaration BLESSED' is not known" in text
    out.write_text(text.replace("Declaration BLESSED", F))
    assert backfill(out)["adopted"] == 1
    assert Record.objects.get().status == "final_approved"


def test_an_event_that_has_changed_since_is_rejected(log: Log, backfill: Backfill) -> None:
    first, second = rows("case 1", [S, F])
    backfill(log([first, second]))
    before = state()
    later = at(second, "2017-01-05T09:00:00+01:00")
    table = backfill(log([first, later]))
    assert table["rejected"] == {"changed": 1}
    after = state()
    assert {**after, "rejects": None} == {**before, "rejects": None}
    assert backfill(log([first, later]))["rejected"] == {"changed": 1}
    assert state() == after


def test_no_row_can_make_a_record_of_endless_length(
    log: Log, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.backfill.spool.MOST_EVENTS", 3)
    table = backfill(log([*rows("a", [S]), *rows("long", [S, C, F, R, P]), *rows("z", [S])]))
    assert (table["adopted"], table["rejected"]) == (2, {"too_long": 5})
