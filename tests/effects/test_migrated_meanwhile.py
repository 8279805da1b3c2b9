"""A migration widens a column of the ledger while calls are made: each is made, and recorded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection

from tests.effects.conftest import Ask
from tests.engine.test_migrated_meanwhile import widened
from workflow.effects.courier import Courier
from workflow.engine import clock
from workflow.engine.claim import claim
from workflow.engine.commit import work_off
from workflow.worker import loop

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL prepares"),
]


@pytest.fixture
def courier(ask: Ask) -> Courier:
    """One whose statements are prepared."""
    connection.close()
    ask("send_letter")
    return Courier(worker="w/1", clock=clock.now)


@pytest.fixture
def turns(courier: Courier, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Be woken a few times, as a worker is."""
    monkeypatch.setattr(loop, "_calls", lambda: courier)

    def take() -> None:
        for _ in range(3):
            loop.run()

    return take


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("workflow_effectentry", "progress_note"),
        ("workflow_channel", "closed_by"),
        ("workflow_record", "reference"),
    ],
)
def test_what_was_asked_is_sent_once(
    ask: Ask, turns: Callable[[], None], table: str, column: str
) -> None:
    asked = ask("send_letter", drained=False)
    with widened(table, column):
        turns()
    assert asked.outcomes("letter") == ["send done"]


def test_what_was_answered_is_recorded_at_once(ask: Ask, courier: Courier) -> None:
    asked = ask("send_letter", drained=False)
    batch = claim(worker="w/1", now=clock.now())
    assert batch is not None
    work_off(claim=batch, clock=clock.now)
    assert courier.take() == 1
    courier.wait(5.0)
    with widened("workflow_transitionenvelope", "worker"):
        while courier.in_flight:
            courier.collect()
    assert asked.outcomes("letter") == ["send done"]
