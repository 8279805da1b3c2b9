"""Doors: circuit, rate, concurrency and pause, the same for all workers, and no attempts burnt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from tests.effects.conftest import Ask
from tests.effects.errand import BANK, SLOW, Script
from workflow.acts.pause import lift, pause
from workflow.definition import Breaker, InvalidRequest, Postponed
from workflow.definition import Channel as Declared
from workflow.effects import channels, claim, door
from workflow.effects.courier import Courier
from workflow.engine import clock
from workflow.models import Channel, Closed, EffectEntry, Pause, Scope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

ON_SQLITE = "sqlite" in settings.DATABASES["default"]["ENGINE"]
Later = Callable[..., Any]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FREE = door.Busy(calls=0, until=None)


class TestDoor:
    """The decision, without a database."""

    def look(self, row: Channel, busy: door.Busy = FREE, **more: Any) -> door.Allowance:
        declared = Declared(name="x", concurrency=3, breaker=Breaker(failures=2), **more)
        return door.look(row=row, declared=declared, busy=busy, pause=None, now=NOON)

    def test_it_leaves_what_concurrency_allows(self) -> None:
        soon = NOON + timedelta(seconds=9)
        assert self.look(Channel()).calls == 3
        assert self.look(Channel(), door.Busy(calls=2, until=soon)).calls == 1
        full = self.look(Channel(), door.Busy(calls=3, until=soon))
        assert (full.calls, full.closed_by, full.opens_at) == (0, Closed.BUSY, soon)

    def test_a_row_overrides_what_is_declared(self) -> None:
        assert self.look(Channel(concurrency=1)).calls == 1
        assert self.look(Channel(rate=1.0), rate=100.0).calls == 1

    def test_a_rate_is_kept_over_a_second(self) -> None:
        row = Channel()
        declared = Declared(name="x", concurrency=100, rate=4.0)
        now = NOON
        let_through = 0
        for _ in range(100):
            allowance = door.look(row=row, declared=declared, busy=FREE, pause=None, now=now)
            let_through += allowance.calls
            door.pass_through(row=row, declared=declared, calls=allowance.calls, now=now)
            now += timedelta(seconds=0.1)
        assert 4 * 9.9 <= let_through <= 4 * 9.9 + 4  # the first second's calls come at once

    def test_a_closed_door_says_when_a_call_is_left(self) -> None:
        row = Channel(tokens=0.5, tokens_at=NOON)
        found = self.look(row, rate=2.0)
        assert (found.calls, found.closed_by) == (0, Closed.RATE)
        assert found.opens_at == NOON + timedelta(seconds=0.25)

    def hear(self, row: Channel, now: datetime, *, faults: int = 0, answers: int = 0) -> None:
        declared = Declared(name="x", breaker=Breaker(failures=2, first=timedelta(seconds=5)))
        door.hear(
            row=row, declared=declared, faults=faults, answers=answers, problem="away", now=now
        )

    def test_the_circuit_opens_after_so_many_failures_in_a_row(self) -> None:
        row = Channel()
        self.hear(row, NOON, faults=1)
        self.hear(row, NOON, answers=1)
        self.hear(row, NOON, faults=1)
        assert row.retry_at is None
        self.hear(row, NOON, faults=1)
        assert row.retry_at == NOON + timedelta(seconds=5)
        assert row.opens_at == row.retry_at

    def test_late_failures_do_not_keep_it_open_for_longer(self) -> None:
        row = Channel()
        self.hear(row, NOON, faults=2)
        self.hear(row, NOON + timedelta(seconds=1), faults=9)
        assert row.retry_at == NOON + timedelta(seconds=5)

    def test_one_probe_goes_through_and_decides(self) -> None:
        row = Channel()
        self.hear(row, NOON - timedelta(seconds=5), faults=2)
        assert self.look(row).calls == 1
        probing = self.look(row, door.Busy(calls=1, until=NOON + timedelta(seconds=1)))
        assert (probing.calls, probing.closed_by) == (0, Closed.PROBE)
        self.hear(row, NOON, faults=1)
        assert row.retry_at == NOON + timedelta(seconds=10), "a failed probe doubles the wait"
        self.hear(row, NOON + timedelta(seconds=10), answers=1)
        assert row.retry_at is None
        assert self.look(row).calls == 3


def test_a_failing_downstream_is_left_alone_and_waiting_burns_no_attempts(
    ask: Ask, script: Script, later: Later
) -> None:
    script.answers["pay"] = [Postponed(reason="away")] * 3
    errands = [ask("pay") for _ in range(6)]
    assert len(script.called("pay")) == BANK.breaker.failures
    channel = Channel.objects.get(pk="bank")
    assert channel.closed_by == Closed.CIRCUIT
    assert channel.last_failure == "away"
    waiting = [each.effect("pay") for each in errands]
    assert [each.attempts for each in waiting] == [1, 1, 1, 0, 0, 0]
    later(seconds=61)
    assert {each.effect("pay").state for each in errands} == {"done"}


def test_what_a_person_would_have_to_look_at_is_no_failure_of_the_downstream(
    ask: Ask, script: Script
) -> None:
    later = timedelta(hours=1)
    answer = Postponed(reason="maintenance", is_fault=False, retry_after=later)
    script.answers["pay"] = [answer] * 5
    for _ in range(5):
        ask("pay")
    assert len(script.called("pay")) == 5
    assert Channel.objects.get(pk="bank").retry_at is None


def test_no_more_calls_are_under_way_than_allowed(ask: Ask, script: Script) -> None:
    under_way = threading.Semaphore(0)
    most = 0
    lock = threading.Lock()
    now = 0

    def slow(call: Any) -> Any:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        under_way.acquire(timeout=0.05)
        with lock:
            now -= 1
        return Postponed(reason="x", is_fault=False) if call.attempt > 9 else done()

    def done() -> Any:
        from workflow.definition import Done

        return Done()

    script.answers["pay"] = [slow] * 8
    for _ in range(8):
        ask("pay", drained=False)
    drain()
    assert most == BANK.concurrency
    assert not EffectEntry.objects.unfinished().exists()


def test_a_slow_downstream_does_not_slow_another(ask: Ask, script: Script) -> None:
    """Calls of one channel stand still; those of another are done meanwhile, by one worker."""
    stands = threading.Event()

    def stall(_: Any) -> Any:
        from workflow.definition import Done

        assert stands.wait(20)
        return Done()

    script.answers["pay"] = [stall] * 2
    for _ in range(2):
        ask("pay", drained=False)
    for _ in range(30):
        ask("tell", drained=False)
    calls = Courier(worker="w/1", clock=clock.now)
    done = EffectEntry.objects.filter(name="tell", state="done")
    from workflow.worker.turn import turn

    def go_on() -> bool:
        if done.count() == 30 and not stands.is_set():
            assert calls.in_flight == 2
            stands.set()
        return True

    began = time.monotonic()
    turn(worker="w/1", clock=clock.now, go_on=go_on, calls=calls)
    assert stands.is_set()
    assert time.monotonic() - began < 10
    assert not EffectEntry.objects.unfinished().exists()


class TestPause:
    def test_a_channel(self, ask: Ask, script: Script, boss: User, later: Later) -> None:
        self.pause(Scope.CHANNEL, "bank", boss)
        errand = ask("pay")
        assert not claim.is_due(now=clock.now()), "workers would spin at a closed door"
        later(days=9)
        assert script.names == []
        assert errand.effect("pay").attempts == 0
        self.lift(Scope.CHANNEL, "bank", boss)
        drain()
        assert errand.envelope.state == "fired"

    def test_one_that_ends_by_itself(
        self, ask: Ask, script: Script, boss: User, later: Later
    ) -> None:
        self.pause(Scope.CHANNEL, "bank", boss, until=clock.now() + timedelta(minutes=5))
        ask("pay")
        assert script.names == []
        later(minutes=6)
        assert script.names == ["pay"]

    @pytest.mark.parametrize(
        ("scope", "name"), [(Scope.WORKFLOW, "errand"), (Scope.TRANSITION, "errand.tell")]
    )
    def test_a_workflow_or_a_transition(
        self, ask: Ask, boss: User, scope: Scope, name: str
    ) -> None:
        self.pause(scope, name, boss)
        held, other = ask("tell"), ask("end")
        assert not claim.is_due(now=clock.now())
        assert held.envelope.state == "waiting"
        assert held.envelope.attempts == 0
        assert (other.envelope.state == "fired") == (scope == Scope.TRANSITION)
        self.lift(scope, name, boss)
        drain()
        assert held.envelope.state == other.envelope.state == "fired"

    def test_twice_is_told(self, boss: User) -> None:
        self.pause(Scope.CHANNEL, "bank", boss)
        with pytest.raises(InvalidRequest, match="is paused already"):
            self.pause(Scope.CHANNEL, "bank", boss)
        self.lift(Scope.CHANNEL, "bank", boss)
        with pytest.raises(InvalidRequest, match="is not paused"):
            self.lift(Scope.CHANNEL, "bank", boss)
        self.pause(Scope.CHANNEL, "bank", boss)
        assert Pause.objects.count() == 2

    def test_one_that_has_ended_is_in_nobodys_way(self, boss: User) -> None:
        self.pause(Scope.CHANNEL, "bank", boss, until=clock.now() + timedelta(seconds=60))
        pause(
            scope=Scope.CHANNEL,
            name="bank",
            user=boss,
            reason="again",
            until=None,
            now=clock.now() + timedelta(seconds=61),
        )

    @pytest.mark.parametrize("scope", list(Scope))
    def test_what_there_is_not_cannot_be_paused(self, boss: User, scope: Scope) -> None:
        with pytest.raises(InvalidRequest, match="'nothing': no such"):
            self.pause(scope, "nothing", boss)

    def test_a_time_that_is_past_is_refused(self, boss: User) -> None:
        with pytest.raises(InvalidRequest, match="is past"):
            self.pause(Scope.CHANNEL, "bank", boss, until=clock.now())

    def test_who_and_why_are_in_the_trail(self, boss: User) -> None:
        self.pause(Scope.CHANNEL, "bank", boss)
        self.lift(Scope.CHANNEL, "bank", boss)
        told = Entry.objects.values_list("action", "actor", "reason")
        assert list(told) == [("paused", "boss", "maintenance"), ("lifted", "boss", "over")]

    def pause(self, scope: Scope, name: str, user: User, until: datetime | None = None) -> None:
        pause(
            scope=scope, name=name, user=user, reason="maintenance", until=until, now=clock.now()
        )

    def lift(self, scope: Scope, name: str, user: User) -> None:
        lift(scope=scope, name=name, user=user, reason="over", now=clock.now())


def test_a_rate_holds_for_real(ask: Ask, script: Script) -> None:
    for _ in range(5):
        ask("long", drained=False)
    drain()
    # Two at once, and then the door is closed until a call is left.
    assert len(script.called("long")) <= int(SLOW.rate or 0) + 1
    assert Channel.objects.get(pk="slow").closed_by == Closed.RATE


@pytest.mark.skipif(not ON_SQLITE, reason="PostgreSQL's plan is looked at in test_plans.")
def test_calls_under_way_are_counted_without_a_walk_through_all_that_wait() -> None:
    with CaptureQueriesContext(connection) as seen:
        channels.busy("bank")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {seen[0]['sql']}")
        plan = "\n".join(line for *_, line in cursor.fetchall())
    assert "effect_lease (due_at>?)" in plan, plan
