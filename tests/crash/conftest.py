"""Records of the desk, requests for them, and clusters that end with the test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from tests.crash.cluster import Work
from tests.crash.desk.workflows import DESK, DISPATCH
from workflow.definition import registry
from workflow.engine import clock
from workflow.engine.answer import Accepted
from workflow.engine.request import Request
from workflow.engine.start import New, start_many
from workflow.engine.submit import submit_many
from workflow.examples.declarations.models import Declaration
from workflow.models import Record
from workflow.testing.downstream import Simulators, simulators

_numbers = itertools.count(1)

# Being imported has registered it, as the processes of a cluster need; no other test shall see it.
registry.unregister(DESK)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without /proc, nobody finds a cluster's processes."""
    here = Path(__file__).parent
    if not Path("/proc/self/stat").exists():
        for item in (each for each in items if here in each.path.parents):
            item.add_marker(pytest.mark.skip(reason="finds processes in /proc"))


@pytest.fixture(autouse=True)
def _desk() -> Iterator[None]:
    for workflow in (DESK, DISPATCH):
        registry.register(workflow)
    yield
    for workflow in (DESK, DISPATCH):
        registry.unregister(workflow)


@pytest.fixture
def downstream() -> Iterator[Simulators]:
    with simulators() as running:
        yield running


@pytest.fixture
def ann(transactional_db: None) -> User:
    return User.objects.create_user("ann")


Make = Callable[[int], list[Record]]


@pytest.fixture
def make(ann: User) -> Make:
    """Start so many records."""

    def make(count: int) -> list[Record]:
        numbers = [f"K-{next(_numbers)}" for _ in range(count)]
        subjects = [
            Declaration(
                claimant=ann,
                number=number,
                purpose="a journey",
                amount=Decimal("12.50"),
                expense_date=date(2026, 1, 2),
                declared_on=date(2026, 1, 3),
            )
            for number in numbers
        ]
        new = [New(subject=subject, reference=subject.number) for subject in subjects]
        return start_many(workflow=DESK, new=new, user=ann, now=clock.now())

    return make


Ask = Callable[..., list[UUID]]


@pytest.fixture
def ask(ann: User) -> Ask:
    """Request a transition of each record; all of them are accepted. Returns their ids."""

    def ask(records: Sequence[Record], transition: str = "open", **more: Any) -> list[UUID]:
        requests = [
            Request(record=record.pk, transition=transition, user=ann, **more)
            for record in records
        ]
        answers = submit_many(requests=requests, now=clock.now())
        assert all(isinstance(answer, Accepted) for answer in answers), answers
        return [request.transition_id for request in requests]

    return ask


Start = Callable[..., Work]


@pytest.fixture
def work(database_url: str, tmp_path: Path) -> Iterator[Start]:
    """Start `manage.py work`; returns it when it is ready."""
    running: list[Work] = []

    def start(**options: Any) -> Work:
        log = tmp_path / f"work-{len(running)}.log"
        running.append(Work(database_url, log, **options))
        return running[-1].ready()

    yield start
    for each in running:
        each.destroy()
