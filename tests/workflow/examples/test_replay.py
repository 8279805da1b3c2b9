"""The replay: every event has one outcome, whoever sends it, how often, and in how many runs."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from audit.models import Entry
from audit.verify import verify_all
from tests.workflow.examples.logs import B, F, P, R, Row, S, V, rows, usual, write
from workflow.definition import Context, Permanent, registry
from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.replay.beginning import begin
from workflow.examples.declarations.replay.people import People
from workflow.examples.declarations.replay.plan import plan, transition_id
from workflow.examples.declarations.replay.report import Report, report
from workflow.examples.declarations.replay.rows import read
from workflow.examples.declarations.replay.run import Run
from workflow.examples.declarations.replay.sender import Sender, Stalled
from workflow.examples.declarations.replay.table import table
from workflow.examples.declarations.workflows import DECLARATION
from workflow.models import State, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

SENSELESS: list[Row] = [
    *rows("saved", [V, R, P]),
    *rows("paid", [S, "Declaration REJECTED by SUPERVISOR", R, P, B]),
    *rows("short", [S, F, P]),
]


def replay(
    path: Path,
    *,
    copies: int = 1,
    after_round: Callable[[int], object] = lambda _: drain(),
    patience: float = 5.0,
) -> Report:
    """Replay with workers that work in this process, whenever the sender has had a round."""
    planned = plan(read(path))
    people = People()
    cases = list(planned.cases.values())
    records = {}
    for found in begin(cases=cases, people=people, clock=clock.now):
        records |= found
    sender = Sender(cases=cases, records=records, people=people, copies=copies, clock=clock.now)
    sender.run(after_round=lambda moved: (after_round(moved), None)[1], patience=patience)
    return report(plan=planned, records=records, tally=sender.tally)


def outcome(done: Report) -> dict[str, Any]:
    """Return what must not depend on runs and copies."""
    told = done.as_json()
    del told["sent"], told["deduplicated"]
    return told


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write(tmp_path / "log.csv", [*usual(15), *SENSELESS])


@pytest.mark.parametrize("copies", [1, 2, 3, 5])
def test_copies_change_nothing_but_their_own_count(log: Path, copies: int) -> None:
    done = replay(log, copies=copies)

    events = done.requested
    assert done.sent == events * copies
    assert done.deduplicated == events * (copies - 1)
    assert done.states == {"fired": events - 5, "refused": 5}
    assert done.refused == {"wrong_status": 5}
    assert (
        TransitionEnvelope.objects.exclude(state=State.CANCELLED)
        .exclude(state=State.SCHEDULED)
        .count()
        == events
    )
    assert Entry.objects.filter(action="fired").count() == events - 5
    assert Entry.objects.filter(action="repeated").count() == events * (copies - 1)
    assert verify_all().is_sound


def test_a_second_run_repeats_the_table_and_doubles_nothing(log: Path) -> None:
    first = replay(log)
    envelopes = TransitionEnvelope.objects.count()

    second = replay(log, copies=2)

    assert outcome(second) == outcome(first)
    assert second.deduplicated == second.sent
    assert TransitionEnvelope.objects.count() == envelopes
    assert Declaration.objects.count() == first.cases


def test_a_run_that_was_cut_short_is_continued(log: Path, tmp_path: Path) -> None:
    def cut(_: int) -> None:
        if TransitionEnvelope.objects.count() > 30:
            raise KeyboardInterrupt
        drain()

    with pytest.raises(KeyboardInterrupt):
        replay(log, copies=2, after_round=cut)

    done = replay(log, copies=2)

    assert done.states == {"fired": done.requested - 5, "refused": 5}


def test_senseless_steps_are_refused_by_reason_and_the_rest_is_judged_as_it_stands(
    log: Path,
) -> None:
    done = replay(log)

    ended = {each.case: (each.expected, each.actual) for each in done.differing}
    assert ended == {
        "saved": ("payment_handled", "saved"),
        "short": ("payment_handled", "final_approved"),
    }
    assert [(step.case, step.activity, step.before) for step in done.not_fired] == [
        ("saved", R, V),
        ("saved", P, R),
        ("paid", R, "Declaration REJECTED by SUPERVISOR"),
        ("paid", P, R),
        ("short", P, F),
    ]
    assert "saved, row" in done.differing[0].why
    assert "wrong_status" in done.differing[0].why


def test_each_event_is_asked_for_by_a_user_of_its_role_who_cannot_sign_in(log: Path) -> None:
    replay(log)

    supervisor = User.objects.get(username="log-supervisor-staff-member")
    assert not supervisor.has_usable_password()
    assert [group.name for group in supervisor.groups.all()] == ["SUPERVISOR"]
    approved = TransitionEnvelope.objects.filter(transition="approve_final")
    assert set(approved.values_list("actor", "origin", "priority")) == {
        (supervisor.pk, "command", 1)
    }


def test_people_whose_names_only_look_alike_are_told_apart(db: None) -> None:
    people = People()

    one, other = people.get("EMPLOYEE", "STAFF MEMBER"), people.get("EMPLOYEE", "STAFF-MEMBER")

    assert one != other
    assert People().get("EMPLOYEE", "STAFF-MEMBER") == other


@pytest.fixture
def stuck() -> Iterator[None]:
    """Let `check` fail for good, so that its envelope parks."""

    def fail(_: Context[Declaration]) -> None:
        raise Permanent("The checking machine is broken.")

    broken = replace(
        DECLARATION,
        transitions=tuple(
            replace(each, apply=fail) if each.name == "check" else each
            for each in DECLARATION.transitions
        ),
    )
    registry.unregister(DECLARATION)
    registry.register(broken)
    yield
    registry.unregister(broken)
    registry.register(DECLARATION)


def test_what_is_parked_stops_its_declaration_alone(log: Path, stuck: None) -> None:
    done = replay(log)

    assert done.states["parked"] == 6
    assert done.states["unsent"] == 18
    assert done.unfinished == 24
    assert {each.actual for each in done.differing} >= {"submitted"}
    assert any("The checking machine is broken." in str(step) for step in done.not_fired)


def test_an_id_that_belongs_to_another_request_is_told(tmp_path: Path) -> None:
    log = write(tmp_path / "log.csv", rows("c1", [S, F]))
    replay(write(tmp_path / "other.csv", rows("c2", [S])))
    stranger = Declaration.objects.get()
    assert stranger.record is not None
    submit(
        request=Request(
            record=stranger.record.pk,
            transition="submit",
            transition_id=transition_id(case="c1", event="c1/0"),
            user=stranger.claimant,
        ),
        now=clock.now(),
    )

    done = replay(log)

    assert done.states == {"refused": 1, "unwritten": 1}
    assert done.not_fired[0].code == "conflict"


def test_without_workers_it_says_so_and_names_what_waits(log: Path) -> None:
    with pytest.raises(Stalled, match=r"No event came to an outcome .* 18 are waiting"):
        replay(log, after_round=lambda _: time.sleep(0.01), patience=0.05)


def test_the_table_shows_every_number_and_every_list(tmp_path: Path) -> None:
    some = [*usual(5), *SENSELESS, *rows("odd", [S], role="EMPEROR")]
    done = replay(write(tmp_path / "log.csv", some))

    shown = "\n".join(table(done))

    for line in (
        "events requested",
        "wrong_status",
        "broken rows, left out",
        "Declarations that end otherwise (2):",
        "Events that did not fire (5):",
        "role 'EMPEROR' is not known",
    ):
        assert line in shown


def test_an_interrupted_run_still_reports(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    run = Run(file=log, cases=2, copies=1, workers=0, patience=5, progress=io.StringIO())

    problem = run.go()

    assert problem is not None
    assert problem.exit_code == 130
    assert run.report().states == {"unsent": 7, "waiting": 2}


def test_a_run_that_stalls_says_that_no_worker_is_alive(log: Path) -> None:
    run = Run(file=log, cases=2, copies=1, workers=0, patience=0.05, progress=io.StringIO())

    problem = run.go()

    assert problem is not None
    assert "No worker is alive: start `manage.py work`" in problem.text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere.csv"], r"nowhere\.csv: cannot be opened"),
        (["nowhere.csv", "--duplicate", "0"], "--duplicate 0: at least 1"),
        (["nowhere.csv", "--cases", "0"], "--cases 0: at least 1"),
        (["nowhere.csv", "--workers", "-1"], "--workers -1: at least 0"),
        (["nowhere.csv", "--simulate"], "--simulate needs --workers"),
        (["nowhere.csv", "--faults", "0.1"], "--faults needs --simulate"),
        (["nowhere.csv", "--journal", "x"], "--journal needs --simulate"),
        (
            ["nowhere.csv", "--simulate", "--workers", "1", "--faults", "0.3"],
            r"--faults 0\.3: from 0 to 0\.25",
        ),
    ],
)
def test_the_command_refuses_what_it_cannot_do(arguments: list[str], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("replay_declarations", *arguments)
