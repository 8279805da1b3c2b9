"""People and declarations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from tests.workflow.examples.replays import Replay
from workflow.engine import clock
from workflow.engine.start import start
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.workflows import DECLARATION
from workflow.testing.downstream import Simulators, simulators

Person = Callable[[str], User]
Draft = Callable[..., Declaration]

_numbers = count(1)


@pytest.fixture(autouse=True)
def downstream(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulators]:
    """The systems that declarations are told to, for this process and for those it starts."""
    with simulators() as running:
        settings.DECLARATIONS_DOWNSTREAM_URL = running.url
        monkeypatch.setenv("DOWNSTREAM_URL", running.url)
        yield running


@pytest.fixture
def person(db: None) -> Person:
    """Make a user with a role."""

    def make(role: str) -> User:
        user = User.objects.create_user(f"{role.lower().replace(' ', '-')}-{next(_numbers)}")
        user.groups.add(Group.objects.get(name=role))
        return user

    return make


@pytest.fixture
def employee(person: Person) -> User:
    return person("EMPLOYEE")


@pytest.fixture
def draft(employee: User) -> Draft:
    """Start a declaration, by default the employee's."""

    def make(claimant: User = employee, **changes: Any) -> Declaration:
        number = f"T-{next(_numbers)}"
        fields: dict[str, Any] = {
            "number": number,
            "purpose": "Conference",
            "amount": Decimal("42.00"),
            "expense_date": date(2026, 3, 1),
            "declared_on": date(2026, 3, 5),
            "receipts": 1,
            "budget_number": "B-1",
        }
        declaration = Declaration(claimant=claimant, **{**fields, **changes})
        start(
            workflow=DECLARATION,
            subject=declaration,
            reference=number,
            user=claimant,
            now=clock.now(),
        )
        return declaration

    return make


Start = Callable[..., Replay]


@pytest.fixture
def replay(database_url: str, tmp_path: Path) -> Iterator[Start]:
    """Start a replay of a log; it and its workers end with the test."""
    running: list[Replay] = []

    def begin(log: Path, *options: str) -> Replay:
        out = tmp_path / f"table-{len(running)}.json"
        running.append(Replay(database_url, log, out, *options))
        return running[-1]

    yield begin
    for each in running:
        each.destroy()
