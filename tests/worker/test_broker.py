"""What the broker answers when a cluster asks for work: a wake-up, or nothing."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django_q.brokers import get_broker
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from pytest_django import DjangoAssertNumQueries
from structlog.testing import capture_logs

from tests.engine import probe
from tests.engine.conftest import Ask, Make
from workflow.definition import registry
from workflow.engine import clock
from workflow.engine.announce import TOPIC
from workflow.models import State, TransitionEnvelope
from workflow.testing.drain import drain
from workflow.worker import broker as brokers
from workflow.worker import idle, loop
from workflow.worker.broker import EnvelopeBroker


@pytest.mark.django_db
class TestWakeUp:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Look once, and do not wait for what no test sends."""
        monkeypatch.setattr(idle.Idle, "wait", lambda _: False)

    def test_nothing_is_due_and_nothing_is_sent(self, broker: EnvelopeBroker) -> None:
        assert broker.dequeue() is None

    def test_there_is_one_however_much_is_due(
        self, broker: EnvelopeBroker, make: Make, ask: Ask
    ) -> None:
        for _ in range(3):
            ask(make())
        (handed,) = broker.dequeue() or []
        key, package = handed
        assert key is None, "there is no row behind it to be acknowledged"
        assert not OrmQ.objects.exists()
        task = SignedPackage.loads(package)
        assert task["func"] == "workflow.worker.loop.run"
        assert (task["args"], task["kwargs"]) == ((), {})

    def test_no_more_than_a_worker_each_are_outstanding(self) -> None:
        """The queue between pusher and workers is that short, and a message that short-lived."""
        cluster = settings.Q_CLUSTER
        assert cluster["queue_limit"] == cluster["workers"]
        assert cluster["bulk"] == 1

    def test_what_it_wakes_does_all_the_work(
        self, broker: EnvelopeBroker, make: Make, ask: Ask
    ) -> None:
        for _ in range(3):
            ask(make())
        assert broker.dequeue() is not None
        assert loop.run() is None
        assert set(
            TransitionEnvelope.objects.exclude(state=State.SCHEDULED).values_list(
                "state", flat=True
            )
        ) == {State.FIRED}
        assert broker.dequeue() is None

    def test_a_lost_one_is_sent_again_and_a_doubled_one_does_nothing(
        self, broker: EnvelopeBroker, make: Make, ask: Ask
    ) -> None:
        ask(make())
        assert broker.dequeue() is not None
        assert broker.dequeue() is not None
        loop.run()
        loop.run()
        assert TransitionEnvelope.objects.filter(state=State.FIRED).count() == 1

    def test_the_second_gives_the_first_time_to_claim(
        self, broker: EnvelopeBroker, make: Make, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(brokers, "_PACE", 0.3)
        ask(make())
        broker.dequeue()
        started = time.monotonic()
        assert broker.dequeue() is not None
        assert time.monotonic() - started > 0.25

    def test_what_the_first_has_claimed_meanwhile_wakes_no_second(
        self, broker: EnvelopeBroker, make: Make, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ask(make())
        broker.dequeue()
        # While the broker sleeps, the worker that it woke is at work.
        monkeypatch.setattr(brokers.time, "sleep", lambda _: drain())
        assert broker.dequeue() is None

    @pytest.mark.parametrize("case", ["later", "held", "of another release"])
    def test_what_cannot_be_worked_on_now_wakes_nobody(
        self, broker: EnvelopeBroker, make: Make, ask: Ask, case: str
    ) -> None:
        due = clock.now() + timedelta(hours=1) if case == "later" else None
        ask(make(), due_at=due)
        if case == "held":
            assert brokers.is_due(now=clock.now())
            from workflow.engine.claim import claim

            claim(worker="w/1", now=clock.now())
        if case == "of another release":
            registry.unregister(probe.PROBE)
        assert broker.dequeue() is None

    def test_looking_in_vain_is_one_statement(
        self,
        broker: EnvelopeBroker,
        django_assert_num_queries: DjangoAssertNumQueries,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(brokers, "_ORDINARY_EVERY", 1000.0)
        broker.dequeue()
        clock.now()
        with django_assert_num_queries(1):
            broker.dequeue()

    @pytest.mark.parametrize("step", ["is_due", "now"])
    def test_a_database_that_is_away_is_waited_for(
        self, broker: EnvelopeBroker, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        """An exception would end the pusher, and with it all work."""

        def away(**_: Any) -> None:
            raise OperationalError("server closed the connection")

        monkeypatch.setattr(brokers, "_AWAY", 0.0)
        monkeypatch.setattr(brokers.connection, "close", lambda: None)
        monkeypatch.setattr(*((brokers, "is_due") if step == "is_due" else (clock, "now")), away)
        with capture_logs() as logs:
            assert broker.dequeue() is None
        assert [line["event"] for line in logs] == ["database.away"]

    def test_the_cluster_uses_it_and_can_send_it_to_its_processes(self) -> None:
        chosen = get_broker("escapement")
        assert isinstance(chosen, EnvelopeBroker)
        again = pickle.loads(pickle.dumps(chosen))
        assert again.list_key == "escapement"
        assert again.dequeue() is None


@pytest.mark.django_db(transaction=True)
class TestWaiting:
    @pytest.fixture
    def waiting(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], bool]]:
        """Wait in a thread for a minute at most; the value tells whether it still does."""
        monkeypatch.setattr(idle, "LONGEST", 60.0)
        ready = threading.Event()

        def wait() -> None:
            try:
                one = idle.Idle()
                one.wait()  # the first look only takes note of how things are
                ready.set()
                one.wait()
            finally:
                connection.close()

        thread = threading.Thread(target=wait)
        thread.start()
        assert ready.wait(30)

        def still(seconds: float = 0.0) -> bool:
            thread.join(seconds)
            return thread.is_alive()

        yield still
        drain()
        thread.join(60)

    def test_a_request_ends_it_early(
        self, make: Make, ask: Ask, waiting: Callable[..., bool]
    ) -> None:
        assert waiting(0.3)
        ask(make())
        assert not waiting(20)

    @pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only there work is announced")
    def test_many_announcements_call_for_one_look(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(idle, "LONGEST", 0.1)
        one = idle.Idle()
        assert not one.wait()  # begins to listen
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                for _ in range(3):
                    cursor.execute(f"NOTIFY {TOPIC}")
        finally:
            other.close()
        assert one.wait()
        assert not one.wait()

    @pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only there work is announced")
    def test_an_announcement_wakes_a_worker_without_another_look(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broker = EnvelopeBroker()
        looks: list[datetime] = []
        monkeypatch.setattr(brokers, "is_due", lambda *, now: bool(looks.append(now)))
        assert broker.dequeue() is None  # begins to listen
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {TOPIC}")
        assert broker.dequeue() is None
        seen = len(looks)
        assert broker.dequeue() == [(None, brokers._WAKE_UP)]
        assert len(looks) == seen
        assert broker.dequeue() is None

    def test_it_ends_by_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Due times come without announcement."""
        monkeypatch.setattr(idle, "LONGEST", 0.1)
        one = idle.Idle()
        one.wait()
        started = time.monotonic()
        one.wait()
        assert 0.05 < time.monotonic() - started < 20
