"""How many threads calls are made in: few that are quick, all that are not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from workflow.effects.hands import Hands

FEW = 4


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """What lets go of those that hang."""
    event = threading.Event()
    yield event
    event.set()


def quick(hands: Hands, count: int) -> set[int]:
    """Have quick calls made one after the other; return the threads that made them."""
    made: SimpleQueue[int] = SimpleQueue()
    threads = set()
    for _ in range(count):
        hands.do(lambda: made.put(threading.get_ident()))
        threads.add(made.get(timeout=10))
    return threads


def all_at_once(hands: Hands, count: int) -> None:
    """Have calls made of which none comes back before all are under way."""
    meet = threading.Barrier(count + 1)
    for _ in range(count):
        hands.do(lambda: meet.wait(timeout=10))
    meet.wait(timeout=10)


def test_quick_calls_take_a_few() -> None:
    assert len(quick(Hands(), 200)) <= FEW


def test_slow_ones_do_not_wait_for_each_other() -> None:
    all_at_once(Hands(), 100)


def test_and_then_it_is_a_few_again() -> None:
    hands = Hands()
    for _ in range(3):
        all_at_once(hands, 40)
        time.sleep(0.1)  # those that helped find that nothing is left
        assert len(quick(hands, 100)) <= FEW


def test_there_are_no_more_threads_than_calls_at_once() -> None:
    """However busy the worker is meanwhile, and however often it comes."""
    before = threading.active_count()
    hands = Hands()
    made: SimpleQueue[None] = SimpleQueue()

    def call() -> None:
        time.sleep(0.02)
        made.put(None)

    for _ in range(4):
        for _ in range(60):
            hands.do(call)
        while made.qsize() < 60:
            sum(range(1000))
        while made.qsize():
            made.get()
    overseer = 1
    assert threading.active_count() - before <= 60 + overseer


def test_many_calls_that_are_almost_quick_are_helped_too() -> None:
    hands = Hands()
    made: SimpleQueue[int] = SimpleQueue()

    def call() -> None:
        time.sleep(0.004)
        made.put(threading.get_ident())

    for _ in range(400):
        hands.do(call)
    assert len({made.get(timeout=10) for _ in range(400)}) > 2 * FEW


def test_a_system_without_threads_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, over: threading.Event
) -> None:
    hands = Hands()
    for _ in range(FEW + 1):
        hands.do(lambda: over.wait(timeout=60))
    refusals = [RuntimeError("can't start new thread")] * 3
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if refusals:
            raise refusals.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert quick(hands, 5)
    assert not refusals


def test_those_that_hang_keep_nobody_waiting(over: threading.Event) -> None:
    hands = Hands()
    for _ in range(3 * FEW):
        hands.do(lambda: over.wait(timeout=60))
    assert quick(hands, 10)
    all_at_once(hands, 20)
