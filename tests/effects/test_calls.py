"""Calls under way: those that overrun, fall silent, report progress, come late or never begin."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from tests.effects.conftest import Ask
from tests.effects.errand import Script
from workflow.acts.cancel import cancel
from workflow.definition import Call, Done, Postponed
from workflow.effects import claim, courier, perform
from workflow.effects.courier import Courier
from workflow.engine import clock
from workflow.engine.limits import limits
from workflow.models import EffectEntry
from workflow.testing.drain import drain
from workflow.worker.turn import turn

pytestmark = pytest.mark.django_db

Later = Callable[..., Any]


@pytest.fixture
def hung() -> Any:
    """A handler that does not come back before the test is over."""
    over = threading.Event()

    def hang(_: Call) -> Any:
        over.wait(30)
        return Done()

    yield hang
    over.set()


def test_one_that_overruns_is_written_off_and_in_doubt(
    ask: Ask, script: Script, hung: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ESCAPEMENT = {**settings.ESCAPEMENT, "SEND_WINDOW_SECONDS": 0.1}
    monkeypatch.setattr(courier, "_GRACE", 0.0)
    script.answers["letter"] = [hung]
    errand = ask("send_letter")
    assert errand.effect("letter").state == "in_doubt"
    assert errand.effect("letter").code == "timeout"


def test_one_that_is_overdue_when_its_worker_wakes_still_brings_its_answer(
    ask: Ask, script: Script, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ESCAPEMENT = {**settings.ESCAPEMENT, "SEND_WINDOW_SECONDS": 0.1}
    awake = threading.Event()
    real = Courier.collect

    def collect(self: Courier) -> Any:
        """Stand still once, past the time-out; the answer comes just after the first look."""
        if not awake.is_set():
            threading.Event().wait(2.2)
            tally = real(self)
            awake.set()
            return tally
        return real(self)

    def answer(_: Call) -> Any:
        awake.wait(10)
        return Done(receipt={"number": "7"})

    monkeypatch.setattr(Courier, "collect", collect)
    script.answers["letter"] = [answer]
    assert ask("send_letter").effect("letter").state == "done"


def test_a_long_one_that_falls_silent_is_noticed_long_before_its_time_out(
    ask: Ask, script: Script, hung: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "_GRACE", 0.0)
    script.answers["long"] = [hung]
    errand = ask("long")
    assert errand.effect("long").code == "silent"
    assert errand.effect("long").state == "in_doubt"


def test_progress_is_written_and_renews_the_lease(
    ask: Ask, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "_SIGNS_EVERY", 0.0)
    seen = threading.Event()

    def report(call: Call) -> Any:
        call.progress(0.25, "a quarter")
        assert seen.wait(10)
        return Done()

    script.answers["long"] = [report]
    errand = ask("long", drained=False)
    leases: list[timedelta] = []

    def go_on() -> bool:
        effect = errand.effect_or_none("long")
        if effect is not None and effect.claim is not None:
            leases.append(effect.due_at - effect.claimed_at)
            if effect.fraction is not None:
                assert (effect.fraction, effect.progress_note) == (0.25, "a quarter")
                seen.set()
        return True

    turn(worker="w/1", clock=clock.now, go_on=go_on)
    assert seen.is_set()
    assert leases[-1] > limits().lease
    assert errand.effect("long").state == "done"


def test_a_cancelled_one_is_told(
    ask: Ask, script: Script, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "_SIGNS_EVERY", 0.0)
    under_way = threading.Event()

    def work(call: Call) -> Any:
        under_way.set()
        for _ in range(500):
            call.progress(0.1, "working")
            if call.is_cancelled:
                return Postponed(reason="stopped by request", is_fault=False)
            threading.Event().wait(0.01)
        return Done()

    script.answers["reserve"] = [work]
    errand = ask("reserve", drained=False)
    cancelled = False

    def go_on() -> bool:
        nonlocal cancelled
        if under_way.is_set() and not cancelled:
            cancelled = True
            cancel(transition_id=errand.id, user=boss, reason="stop", now=clock.now())
        return True

    turn(worker="w/1", clock=clock.now, go_on=go_on)
    assert errand.envelope.state == "cancelled"
    assert errand.states() == {"reserve": "abandoned"}


class TestSendWindow:
    """A worker that stood still between intent and call."""

    def test_one_that_wakes_too_late_does_not_call(self, ask: Ask, script: Script) -> None:
        since = perform.Instant(monotonic=perform.Instant.now().monotonic - 6, wall=0)
        self.check(ask, script, since)

    def test_whichever_clock_tells(self, ask: Ask, script: Script) -> None:
        now = perform.Instant.now()
        self.check(ask, script, perform.Instant(monotonic=now.monotonic, wall=now.wall - 6))
        self.check(ask, script, perform.Instant(monotonic=now.monotonic - 6, wall=now.wall + 60))

    def check(self, ask: Ask, script: Script, since: perform.Instant) -> None:
        script.reset()
        script.answers["letter"] = [Postponed(reason="first")]
        errand = ask("send_letter")
        entry = errand.effect("letter")
        from workflow.effects.call import call_of
        from workflow.effects.declared import declared

        about = declared(entry)
        call = call_of(
            entry=entry,
            declared=about,
            traceparent="",
            report=lambda *_: None,
            cancelled=lambda: False,
        )
        found, _ = perform.perform(
            entry=entry, declared=about, call=call, since=since, window=limits().send_window
        )
        assert type(found).__name__ == "Unsent"
        assert len(script.names) == 1

    def test_what_is_handed_back_is_sent_later_and_not_in_doubt(
        self, ask: Ask, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late = iter([True])
        monkeypatch.setattr(perform.Instant, "is_older_than", lambda self, age: next(late, False))
        errand = ask("send_letter")
        assert errand.outcomes("letter") == ["send unsent", "send done"]
        assert errand.effect("letter").attempts == 0
        assert script.names == ["letter"]


def test_the_outcome_of_a_call_survives_an_absent_database(
    ask: Ask, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept by the worker and written when the database is back: nothing is in doubt."""
    errand = ask("send_letter", drained=False)
    calls = Courier(worker="w/1", clock=clock.now)
    real = courier.record
    broken = iter([OperationalError("away"), OperationalError("away")])

    def record(**more: Any) -> Counter[str]:
        problem = next(broken, None)
        if problem is not None:
            raise problem
        return real(**more)

    monkeypatch.setattr(courier, "record", record)
    for _ in range(2):
        with pytest.raises(OperationalError):
            turn(worker="w/1", clock=clock.now, go_on=lambda: True, calls=calls)
        assert calls.in_flight == 1
    turn(worker="w/1", clock=clock.now, go_on=lambda: True, calls=calls)
    assert errand.effect("letter").state == "done"
    assert script.names == ["letter"]


def test_one_that_only_a_person_could_settle_goes_alone(ask: Ask, script: Script) -> None:
    """A worker that dies leaves one such doubt, not a batch of them."""
    for _ in range(3):
        ask("send_letter", drained=False)
    for _ in range(3):
        ask("post", drained=False)
    drain_envelopes()
    held = claim.claim(worker="w/1", channel="post", room=10, takes_ask=True, now=clock.now())
    assert len(held) == 1
    more = claim.claim(worker="w/1", channel="post", room=10, takes_ask=False, now=clock.now())
    assert more == []


def drain_envelopes() -> None:
    from workflow.engine.claim import claim as claim_envelopes
    from workflow.engine.commit import work_off

    while batch := claim_envelopes(worker="w/1", now=clock.now()):
        work_off(claim=batch, clock=clock.now)


def test_a_worker_that_comes_late_writes_nothing_but_that_it_did(
    ask: Ask, script: Script, later: Later
) -> None:
    """Its lease was over, the effect was sent by another; then its own answer comes."""
    went_on = threading.Event()

    def slow(call: Call) -> Any:
        assert went_on.wait(20)
        return Done(receipt={"from": "the late one"})

    script.answers["tell"] = [slow]
    errand = ask("tell", drained=False)
    drain_envelopes()
    slow_one = Courier(worker="slow/1", clock=clock.now)
    assert slow_one.take() == 1
    ahead = limits().lease + timedelta(seconds=1)
    drain(ahead=ahead)
    drain(ahead=ahead + timedelta(minutes=1))
    assert errand.effect("tell").state == "done"
    went_on.set()
    while slow_one.in_flight:
        slow_one.wait(1)
        slow_one.collect()
    assert errand.effect("tell").receipt == {"number": 2}
    assert errand.outcomes("tell") == ["send died", "send done"]
    assert errand.actions()[-1] == "effect_late"


def test_a_commit_whose_answer_got_lost_is_not_noted_as_late(
    ask: Ask, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    errand = ask("tell", drained=False)
    calls = Courier(worker="w/1", clock=clock.now)
    real = courier.record
    lost = iter([True])

    def record(**more: Any) -> Counter[str]:
        tally = real(**more)
        if next(lost, False):
            raise OperationalError("the connection was lost in COMMIT")
        return tally

    monkeypatch.setattr(courier, "record", record)
    with pytest.raises(OperationalError):
        turn(worker="w/1", clock=clock.now, go_on=lambda: True, calls=calls)
    turn(worker="w/1", clock=clock.now, go_on=lambda: True, calls=calls)
    assert errand.outcomes("tell") == ["send done"]
    assert "effect_late" not in errand.actions()


class TestRoom:
    """How many calls a worker has under way, and of which channels."""

    @pytest.fixture
    def courier(self, script: Script) -> Iterator[Courier]:
        went_on = threading.Event()

        def waits(_: Call) -> Any:
            assert went_on.wait(20)
            return Done(receipt={"number": 1})

        script.answers |= {name: [waits] * 100 for name in ("tell", "reserve")}
        courier = Courier(worker="w/1", clock=clock.now)
        yield courier
        went_on.set()
        while courier.in_flight:
            courier.wait(1)
            courier.collect()

    def test_one_channel_never_takes_all_of_a_small_worker(
        self, ask: Ask, courier: Courier, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.ESCAPEMENT = {**settings.ESCAPEMENT, "CALLS_PER_WORKER": 4}
        monkeypatch.setattr("random.shuffle", lambda channels: channels.sort())  # feed, ledger
        for _ in range(3):
            ask("tell", drained=False)
        drain_envelopes()
        assert courier.take() == 3
        for _ in range(3):
            ask("tell", drained=False)
        ask("reserve", drained=False)
        drain_envelopes()
        monkeypatch.setattr(Courier, "_is_early", lambda _: False)
        courier.take()
        taken = EffectEntry.objects.exclude(claim=None).values_list("channel", flat=True)
        assert sorted(taken) == ["feed", "feed", "feed", "ledger"]

    def test_with_much_to_do_it_takes_more_each_time(
        self, ask: Ask, courier: Courier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("workflow.effects.courier._LEAST", 2)
        monkeypatch.setattr(courier, "_most", 2)
        monkeypatch.setattr(Courier, "_is_early", lambda _: False)
        for _ in range(10):
            ask("tell", drained=False)
        drain_envelopes()
        under_way = []
        for _ in range(5):
            courier.take()
            under_way.append(courier.in_flight)
        assert under_way == [1, 3, 6, 10, 10]  # three quarters of 2, 4, 8 and 16
