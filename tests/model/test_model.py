"""Anything in any order: requests, deaths, acts, faults, time; it is always as the model says.

The same sequences in each run. `ESCAPEMENT_MODEL_EXAMPLES=500` looks for new ones, as long as that
takes, and prints the shortest that fails.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.life.workflows import LIFE
from tests.model.machine import TIMES, Machine
from tests.model.stage import stage
from workflow.definition import registry
from workflow.effects import course, follow
from workflow.engine.request import Request
from workflow.models import TransitionEnvelope
from workflow.testing.downstream import Fault
from workflow.testing.guards import lifted

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

registry.unregister(LIFE)  # no other test shall see it

EXAMPLES = os.environ.get("ESCAPEMENT_MODEL_EXAMPLES")


@pytest.fixture(autouse=True)
def _life() -> Iterator[None]:
    registry.register(LIFE)
    yield
    registry.unregister(LIFE)


def test_whatever_happens_it_is_as_the_model_says(settings: Any) -> None:
    with stage() as staged:
        settings.DECLARATIONS_DOWNSTREAM_URL = staged.downstream.url
        play(type("Played", (Machine,), {"stage": staged}))


def play(machine: type[Machine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(EXAMPLES or 5),
            stateful_step_count=20,
            derandomize=EXAMPLES is None,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,) if EXAMPLES is None else tuple(Phase),
        ),
    )


class TestThatItCanFail:
    """With a fault in the engine, a sequence of the machine is noticed by its checks."""

    @pytest.fixture
    def machine(self, settings: Any) -> Iterator[Machine]:
        with stage() as staged:
            settings.DECLARATIONS_DOWNSTREAM_URL = staged.downstream.url
            machine = type("Played", (Machine,), {"stage": staged})()
            machine.begin()
            yield machine

    def test_an_engine_that_sends_again_without_a_question(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.play(machine)
        machine.the_database_is_a_state_of_the_model()
        monkeypatch.setattr(
            course,
            "_doubt",
            lambda entry, about, answer, now: course._retry(entry, about, None, now),
        )
        self.play(machine)
        with pytest.raises(AssertionError, match="was carried out 2 times"):
            machine.the_database_is_a_state_of_the_model()

    def test_an_engine_that_forgets_what_it_was_taking_back(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(follow, "_follow_undo", lambda *_: False)
        machine.ask(machine.known[0], "overpay")
        machine.work()
        with pytest.raises(AssertionError):
            machine.the_database_is_a_state_of_the_model()

    def test_an_engine_that_takes_a_conflict_for_a_repetition(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Request, "digest", lambda self: "0" * 64)
        wish = machine.ask(machine.known[0], "overpay")
        with pytest.raises(AssertionError):
            machine.ask_otherwise_under_the_same_id(wish)

    def test_a_worker_that_writes_after_another_was_told(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever lets a settled envelope be settled otherwise is noticed at the next look."""
        life = machine.known[0]
        machine.ask(life, "overpay")
        machine.work()
        machine.the_database_is_a_state_of_the_model()
        with lifted(connection):
            TransitionEnvelope.objects.filter(record=life.id).update(code="another")
        with pytest.raises(AssertionError, match="ended otherwise"):
            machine.the_database_is_a_state_of_the_model()

    played = -1

    def play(self, machine: Machine) -> None:
        self.played += 1
        machine.downstream_fails_next("payments", Fault.FAILS_AFTER)
        machine.ask(machine.known[self.played], "send")
        for _ in range(3):
            machine.work()
            machine.wait(TIMES[1])
