"""L5: write access to the queue's tables must not be code execution."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.pusher import pusher
from django_q.scheduler import scheduler
from django_q.signing import PickleSerializer, SignedPackage
from django_q.tasks import async_task
from pytest_django import Settings
from structlog.testing import capture_logs

from tests.worker import tasks
from tests.worker.tasks import CALLS, UNWELCOME, WELCOME
from workflow.worker.broker import EnvelopeBroker

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_is_welcome(settings: Settings) -> Iterator[None]:
    settings.ESCAPEMENT = {**settings.ESCAPEMENT, "TASKS": [WELCOME]}
    CALLS.clear()
    yield
    CALLS.clear()


def message(function: Any, **more: Any) -> dict[str, Any]:
    """Return a task as django-q2 packs it."""
    return {"id": "1" * 32, "name": "n", "func": function, "args": (7,), "kwargs": {}, **more}


def signed(function: Any, **more: Any) -> str:
    packed: str = SignedPackage.dumps(message(function, **more))
    return packed


def forged(key: str = "another key", salt: str = "escapement") -> str:
    """Return a task signed by somebody who does not have the key."""
    return signing.dumps(message(WELCOME), key=key, salt=salt, serializer=PickleSerializer)


def tampered() -> str:
    """Return a signed task with a letter changed."""
    good = signed(WELCOME)
    place = len(good) // 3
    return good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]


def store(payload: str) -> None:
    """Write a row as one who can write to the table does."""
    past = timezone.now() - timedelta(seconds=5)
    OrmQ.objects.create(key="escapement", payload=payload, lock=past)


def push(broker: EnvelopeBroker) -> list[dict[str, Any]]:
    """Let django-q2's pusher go round once; return what it hands to the workers."""
    tasks_for_workers: queue.Queue[dict[str, Any]] = queue.Queue()
    once = threading.Event()
    once.set()
    pusher(tasks_for_workers, once, broker)
    return list(tasks_for_workers.queue)


REFUSED = {
    "os.system": lambda: signed("os.system"),
    "os.system as an object": lambda: signed(os.system),
    "a function that is not listed": lambda: signed(UNWELCOME),
    "an object that is not listed": lambda: signed(tasks.unwelcome),
    "a longer name than a listed one": lambda: signed(f"{WELCOME}.__call__"),
    "a listed one with a hook": lambda: signed(WELCOME, hook="os.system"),
    "no function": lambda: signed(None),
    "garbage": lambda: "garbage",
    "nothing": lambda: "",
    "letters beyond ASCII": lambda: "é:é:é",
    "another key's signature": forged,
    "the signature of another queue": lambda: forged(key="of a test run", salt="other"),
    "a changed letter": tampered,
    "a pickle without signature": lambda: signed(WELCOME).partition(":")[0],
}


@pytest.mark.parametrize("payload", REFUSED.values(), ids=REFUSED)
def test_a_row_that_is_not_allowed_is_removed_and_told(
    broker: EnvelopeBroker, payload: Any
) -> None:
    store(payload())
    with capture_logs() as logs:
        assert push(broker) == []
    assert [(line["event"], line["log_level"]) for line in logs] == [("task.refused", "error")]
    assert logs[0]["problem"] in (
        "bad signature",
        "not on the list ESCAPEMENT['TASKS']",
    )
    assert not OrmQ.objects.exists()
    assert CALLS == []


@pytest.mark.parametrize("function", [WELCOME, tasks.welcome], ids=["name", "object"])
def test_a_listed_function_is_handed_on_with_its_row(
    broker: EnvelopeBroker, function: Any
) -> None:
    store(signed(function))
    (handed,) = push(broker)
    assert (handed["func"], handed["args"]) == (function, (7,))
    assert handed["ack_id"] == OrmQ.objects.get().pk
    broker.acknowledge(handed["ack_id"])
    assert not OrmQ.objects.exists()


def test_bad_rows_do_not_keep_a_good_one_from_its_turn(broker: EnvelopeBroker) -> None:
    for payload in ("garbage", signed("os.system"), signed(WELCOME), forged()):
        store(payload)
    handed = [task["func"] for _ in range(6) for task in push(broker)]
    assert handed == [WELCOME]


class Gone:
    """What an older release put into a message; this one does not have it any more."""


@pytest.mark.parametrize("kind", ["no class of it", "no dictionary"])
def test_a_signed_message_that_cannot_be_read_is_refused_too(
    broker: EnvelopeBroker, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "no class of it":
        store(signed(WELCOME, old=Gone()))
        monkeypatch.delattr(f"{__name__}.Gone")
    else:
        store(SignedPackage.dumps(["no", "task"]))
    with capture_logs() as logs:
        assert broker.dequeue() is None
    assert [line["event"] for line in logs] == ["task.refused"]
    assert not OrmQ.objects.exists()


@pytest.mark.parametrize("function", ["os.system", os.system, UNWELCOME], ids=str)
def test_what_is_not_listed_is_not_even_stored(broker: EnvelopeBroker, function: Any) -> None:
    with capture_logs() as logs:
        async_task(function, "true", broker=broker)
    assert [line["event"] for line in logs] == ["task.refused"]
    assert not OrmQ.objects.exists()


def test_a_listed_one_is_stored(broker: EnvelopeBroker) -> None:
    async_task(WELCOME, 7, broker=broker)
    (handed,) = push(broker)
    assert handed["func"] == WELCOME


@pytest.mark.django_db(transaction=True)
class TestSchedules:
    """A schedule is a row too; the sentinel turns it into a message when it is due."""

    def plan(self, function: str, **more: Any) -> None:
        due = timezone.now() - timedelta(seconds=5)
        Schedule.objects.create(func=function, next_run=due, repeats=1, **more)

    def test_a_listed_function(self, broker: EnvelopeBroker) -> None:
        self.plan(WELCOME, args="7")
        scheduler(broker)
        assert [task["func"] for task in push(broker)] == [WELCOME]

    @pytest.mark.parametrize(
        "more",
        [
            {},
            {"cluster": "elsewhere"},
            {"kwargs": "q_options={'chain': [('os.system', ('true',))]}"},
            {"kwargs": "sync=True"},
            {"kwargs": "{'q_options': {'sync': True}}"},
        ],
        ids=str,
    )
    def test_os_system(self, broker: EnvelopeBroker, tmp_path: Path, more: dict[str, str]) -> None:
        trace = tmp_path / "trace"
        self.plan("os.system", args=f"('touch {trace}',)", **more)
        scheduler(broker)
        assert push(broker) == []
        assert not OrmQ.objects.exists()
        assert not trace.exists()

    def test_a_hook(self, broker: EnvelopeBroker) -> None:
        self.plan(WELCOME, hook="os.system")
        scheduler(broker)
        assert not OrmQ.objects.exists()
