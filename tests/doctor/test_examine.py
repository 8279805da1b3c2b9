"""K3: each thing that can be wrong is planted for real, found, and mended where that is safe."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from tests.conftest import PROJECT
from tests.doctor.conftest import Ask, Look
from tests.effects.errand import ERRAND
from workflow.acts.pause import pause
from workflow.definition import registry
from workflow.doctor import facts, server, trail
from workflow.engine import clock
from workflow.models import (
    Attempt,
    Channel,
    Cluster,
    EffectEntry,
    Record,
    Scope,
    TransitionEnvelope,
    guards,
)
from workflow.testing.drain import drain
from workflow.testing.guards import lifted

pytestmark = pytest.mark.django_db

AGO = timedelta(minutes=5)


def mend(look: Look, code: str) -> int:
    found = look()[code]
    assert found.mend is not None, found
    return found.mend(by="a tester", now=clock.now())


def test_a_sound_system_has_no_findings(look: Look, ask: Ask) -> None:
    ask("all")
    assert look(full=True) == {}


class TestWork:
    def test_no_worker(self, look: Look, ask: Ask, cluster: Cluster) -> None:
        Cluster.objects.update(seen_at=clock.now() - AGO)
        assert look()["no_worker"].severity == "warning"
        ask("tell", drained=False)
        assert look()["no_worker"].severity == "error"

    def test_due_work_that_nobody_begins(self, look: Look, ask: Ask) -> None:
        wish = ask("tell", drained=False)
        TransitionEnvelope.objects.filter(pk=wish.id).update(due_at=clock.now() - AGO)
        assert "work_not_begun" in look()

    def test_leases_that_nobody_takes_up(self, look: Look, ask: Ask) -> None:
        wish = ask("tell", drained=False)
        TransitionEnvelope.objects.filter(pk=wish.id).update(
            state="running", fence=1, claim=uuid4(), worker="gone/1", due_at=clock.now() - AGO
        )
        assert mend(look, "leases_left") == 1
        assert wish.envelope.state == "waiting"
        assert Attempt.objects.get(envelope=wish.id).ending == "died"
        assert "leases_left" not in look()
        drain(ahead=AGO)

    def test_a_transition_that_nothing_will_wake(self, look: Look, ask: Ask) -> None:
        wish = ask("tell", drained=False)
        TransitionEnvelope.objects.filter(pk=wish.id).update(due_at=None)
        assert drain() == {}
        assert str(wish.id) in look()["asleep"].examples[0]
        assert mend(look, "asleep") == 1
        assert wish.actions()[-1] == "mended"
        assert Entry.objects.filter(transition_id=wish.id).last().actor == "a tester"
        drain()
        assert wish.envelope.state == "fired"

    @pytest.mark.parametrize("state", ["waiting", "sending"])
    def test_a_call_that_nothing_will_wake(self, look: Look, ask: Ask, state: str) -> None:
        wish = ask("pay", drained=False)
        pause_bank()
        drain()
        assert wish.states() == {"pay": "waiting"}
        lost = {"state": state, "due_at": None}
        lost |= {"fence": 1, "first_sent_at": None} if state == "sending" else {}
        EffectEntry.objects.filter(envelope=wish.id).update(**lost)
        open_bank()
        assert drain() == {}
        assert mend(look, "asleep") == 1
        drain(ahead=AGO)
        drain(ahead=2 * AGO)
        assert wish.envelope.state == "fired"
        asked = ["lookup done"] if state == "sending" else []
        expected = ["send died", *asked] if asked else ["send done"]
        assert wish.outcomes("pay") == expected

    def test_a_transition_whose_call_is_not_under_way(self, look: Look, ask: Ask) -> None:
        wish = ask("tell", drained=False)
        TransitionEnvelope.objects.filter(pk=wish.id).update(state="calling", due_at=None)
        assert mend(look, "forsaken") == 1
        drain()
        assert wish.envelope.state == "fired"

    def test_a_transition_that_hides_its_doubt(self, look: Look, ask: Ask, script: Any) -> None:
        script.answers["letter"] = [RuntimeError("no answer")]
        wish = ask("post")
        assert wish.envelope.state == "parked"
        TransitionEnvelope.objects.filter(pk=wish.id).update(state="calling", code="")
        assert mend(look, "hidden") == 1
        assert (wish.envelope.state, wish.envelope.code) == ("parked", "effect_in_doubt")
        assert look()["people"].severity == "notice"

    def test_a_door_that_nothing_keeps_closed(self, look: Look, ask: Ask, ann: Any) -> None:
        far = clock.now() + timedelta(days=400)
        Channel.objects.filter(pk="bank").update(closed_by="paused", opens_at=far)
        assert look()["door_stuck"].examples == ("bank",)
        assert mend(look, "door_stuck") == 1
        assert ask("pay").envelope.state == "fired"

    def test_a_door_that_a_pause_keeps_closed_is_left_alone(self, look: Look, ann: Any) -> None:
        pause(scope=Scope.CHANNEL, name="bank", user=ann, reason="r", until=None, now=clock.now())
        assert "door_stuck" not in look()


def pause_bank() -> None:
    far = clock.now() + timedelta(days=400)
    Channel.objects.filter(pk="bank").update(closed_by="paused", opens_at=far)


def open_bank() -> None:
    Channel.objects.filter(pk="bank").update(closed_by="", opens_at=None)


@contextmanager
def unchecked(name: str) -> Iterator[None]:
    """Have a check of the envelopes not hold; the test's transaction brings it back."""
    is_lite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        if is_lite:
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        else:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE workflow_transitionenvelope DROP CONSTRAINT {name}")
        yield
        if is_lite:
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


class TestStructure:
    def test_missing_guards(self, look: Look) -> None:
        wanted = len(guards._wanted(connection))
        guards.remove(connection)
        assert f"{wanted} guards" in look()["guards_missing"].what
        assert mend(look, "guards_missing") == wanted
        assert guards.missing(connection) == []
        assert Entry.objects.last().action == "guards_restored"

    def test_a_missing_constraint(self, look: Look) -> None:
        (slot,) = (
            each for each in TransitionEnvelope._meta.constraints if each.name == "envelope_slot"
        )
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {slot.name}")
        assert look()["constraints_missing"].examples == ("envelope_slot",)

    def test_a_channel_without_a_row(self, look: Look, ask: Ask) -> None:
        Channel.objects.filter(pk="feed").delete()
        assert look()["channels_missing"].examples == ("feed",)
        assert mend(look, "channels_missing") == 1
        assert ask("tell").states() == {"tell": "done"}

    def test_a_definition_that_has_vanished(self, look: Look, ask: Ask) -> None:
        ask("tell", drained=False)
        registry.unregister(ERRAND)
        try:
            assert "errand/1" in look()["definition_vanished"].examples[0]
        finally:
            registry.register(ERRAND)


class TestFacts:
    @pytest.mark.parametrize("full", [False, True])
    def test_drift_and_a_record_that_no_transition_put_there(
        self, look: Look, ask: Ask, full: bool
    ) -> None:
        wish = ask("tell")
        with lifted(connection):
            Record.objects.filter(pk=wish.record_id).update(status="told")
        found = look(full=full)
        assert str(wish.record) in found["drift"].examples[0]
        assert found["misplaced"].examples == (str(wish.record),)
        assert found["drift"].mend is found["misplaced"].mend is None
        with lifted(connection):
            Record.objects.filter(pk=wish.record_id).update(status="gone")

    def test_an_edited_trail_is_found_by_a_full_look(self, look: Look, ask: Ask) -> None:
        wish = ask("tell")
        first = Entry.objects.filter(chain=wish.record_id).first()
        with lifted(connection):
            Entry.objects.filter(pk=first.pk).update(actor="somebody else")
        assert "trail_broken" not in look()
        assert "trail_broken" in look(full=True)
        assert "trail_broken" in look()  # the last verification is remembered
        with lifted(connection):
            Entry.objects.filter(pk=first.pk).update(actor=first.actor)

    def test_two_in_flight(self, look: Look, ask: Ask) -> None:
        wish = ask("tell", drained=False)
        twin = wish.envelope
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX envelope_slot")
        twin.pk = uuid4()
        with lifted(connection):
            TransitionEnvelope.objects.bulk_create([twin])
        assert look()["slot_shared"].examples == (str(wish.record_id),)

    def test_scheduled_for_no_time(self, look: Look, ask: Ask) -> None:
        wish = ask("tell", drained=False, due_at=clock.now() + AGO)
        assert "half_ended" not in look()
        TransitionEnvelope.objects.filter(pk=wish.id).update(due_at=None)
        assert "half_ended" in look()

    def test_half_ended(self, look: Look, ask: Ask) -> None:
        rows = TransitionEnvelope.objects.filter(pk=ask("tell").id)
        with lifted(connection):
            with pytest.raises(IntegrityError, match="envelope_finished"), transaction.atomic():
                rows.update(finished_at=None)
            with unchecked("envelope_finished"):
                rows.update(finished_at=None)
        assert "half_ended" in look()

    def test_what_waits_for_a_seal(self, ask: Ask) -> None:
        ask("tell")
        assert "not_sealed" not in {each.code for each in trail.look(now=clock.now())}
        later = clock.now() + timedelta(days=3)
        (found,) = (each for each in trail.look(now=later) if each.code == "not_sealed")
        assert "Nothing was ever sealed" in found.what


class TestClocks:
    def test_what_was_written_in_the_future(self, look: Look, cluster: Cluster) -> None:
        Cluster.objects.update(seen_at=clock.now() + AGO)
        assert look()["clock_set_back"].examples[0].startswith("cluster: ")

    def test_a_host_that_is_ahead(self, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
        from workflow.doctor import clocks

        monkeypatch.setattr(clocks, "_host_ahead_by", lambda: timedelta(seconds=90))
        assert "90.0 s ahead of" in look()["host_clock"].what


class TestServer:
    @pytest.mark.parametrize(
        ("judge", "sound", "bad", "code"),
        [
            (
                server.judge_sqlite,
                {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"},
                {"journal_mode": "delete"},
                "sqlite_journal",
            ),
            (
                server.judge_sqlite,
                {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"},
                {"synchronous": "1"},
                "commits_not_durable",
            ),
            *(
                (
                    server.judge_postgresql,
                    {
                        "fsync": "on",
                        "synchronous_commit": "on",
                        "full_page_writes": "on",
                        "transaction_isolation": "read committed",
                        "session_replication_role": "origin",
                        "idle_in_transaction_session_timeout": "60000",
                    },
                    bad,
                    code,
                )
                for bad, code in (
                    ({"fsync": "off"}, "commits_not_durable"),
                    ({"synchronous_commit": "off"}, "commits_not_durable"),
                    ({"full_page_writes": "off"}, "commits_not_durable"),
                    ({"transaction_isolation": "serializable"}, "isolation"),
                    ({"session_replication_role": "replica"}, "guards_asleep"),
                    ({"idle_in_transaction_session_timeout": "0"}, "no_idle_limit"),
                )
            ),
            *(
                (
                    server.judge_mssql,
                    {
                        "read_committed_snapshot": "1",
                        "delayed_durability": "DISABLED",
                        "isolation": "2",
                    },
                    bad,
                    code,
                )
                for bad, code in (
                    ({"read_committed_snapshot": "0"}, "no_snapshot"),
                    ({"delayed_durability": "FORCED"}, "commits_not_durable"),
                    ({"isolation": "5"}, "isolation"),
                )
            ),
        ],
    )
    def test_a_setting_that_endangers_commits(
        self, judge: Any, sound: Any, bad: Any, code: str
    ) -> None:
        assert list(judge(sound)) == []
        assert [each.code for each in judge(sound | bad)] == [code]

    def test_the_server_of_this_run_is_asked(self) -> None:
        codes = {each.code for each in server.look()}
        expected = {"sqlite": set(), "postgresql": {"commits_not_durable"}}
        assert codes == expected[connection.vendor]


class TestSettings:
    def test_a_window_as_long_as_the_lease(self, look: Look, settings: Any) -> None:
        settings.ESCAPEMENT = {**settings.ESCAPEMENT, "SEND_WINDOW_SECONDS": 60}
        assert {"send_window", "settings"} <= set(look())

    def test_what_the_queue_is_told(self, look: Look, settings: Any) -> None:
        changed = {"save_limit": 250, "max_attempts": 3, "retry": 10}
        settings.Q_CLUSTER = {**settings.Q_CLUSTER, **changed}
        assert {"queue_results", "queue_attempts", "settings"} <= set(look())


def test_the_number_of_statements_does_not_depend_on_how_much_there_is(
    look: Look, ask: Ask
) -> None:
    ask("all")
    look()
    with CaptureQueriesContext(connection) as few:
        look()
    for _ in range(12):
        ask("all")
    with CaptureQueriesContext(connection) as many:
        look()
    assert len(many) == len(few)
    assert facts.LATEST <= 2000


class TestCommand:
    def test_exit_codes_and_repair(self, told: Any, ask: Ask) -> None:
        wish = ask("tell", drained=False)
        TransitionEnvelope.objects.filter(pk=wish.id).update(due_at=None)
        code, found = told()
        assert code == 1
        assert not found["sound"]
        (asleep,) = (each for each in found["findings"] if each["code"] == "asleep")
        assert asleep["can_be_mended"]
        assert asleep["mended"] == 0
        assert wish.envelope.due_at is None
        _, found = told("--repair")
        (asleep,) = (each for each in found["findings"] if each["code"] == "asleep")
        assert asleep["mended"] == 1
        assert "asleep" not in [each["code"] for each in told()[1]["findings"]]
        drain()

    def test_one_that_is_not_migrated_cannot_be_looked_at(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", "doctor"],
            cwd=PROJECT,
            env={**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite3'}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        assert "manage.py migrate" in done.stderr
        assert "Traceback" not in done.stderr
