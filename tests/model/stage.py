"""What the machine acts upon: the bench of crash tests, and downstreams with moods."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.model.life.workflows import LIFE
from workflow.examples.declarations.crashtest import Simulated
from workflow.examples.declarations.models import Declaration
from workflow.testing.crashtest import CrashTest, Fresh, somebody
from workflow.testing.crashtest.bench import Bench
from workflow.testing.downstream import Fault, Simulators, simulators
from workflow.testing.forge import Forge
from workflow.testing.scratch import url


class Mood:
    """What goes wrong with the next call to each downstream, whoever makes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: dict[str, Fault] = {}

    def expect(self, downstream: str, fault: Fault) -> None:
        self._next[downstream] = fault

    def forget(self) -> None:
        self._next.clear()

    def of(self, *, downstream: str, method: str, **_: object) -> Fault | None:
        with self._lock:
            return self._next.pop(downstream, None) if method == "POST" else None


class Lives(CrashTest[Declaration]):
    workflow = LIFE

    def fresh(self, number: int) -> Fresh[Declaration]:
        person = somebody(LIFE, "send")
        subject = Declaration(
            claimant_id=person.pk,
            number=f"L-{number}",
            purpose="A life",
            amount=Decimal("12.50"),
            expense_date=date(2026, 1, 2),
            declared_on=date(2026, 1, 3),
        )
        return Fresh(subject=subject, reference=subject.number, by=person)


@dataclass(frozen=True, kw_only=True)
class Stage:
    bench: Bench
    mood: Mood
    downstream: Simulators


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    mood = Mood()
    with (
        tempfile.TemporaryDirectory(prefix="model-") as folder,
        simulators(faults=mood) as running,
    ):
        environment = {"DOWNSTREAM_URL": running.url, "APPS": "tests.model.life"}
        outside = Simulated(environment=environment, simulators=running)
        with Forge(url=url(), folder=Path(folder), environment=environment) as forge:
            bench = Bench(test=Lives(), forge=forge, outside=outside)
            yield Stage(bench=bench, mood=mood, downstream=running)
