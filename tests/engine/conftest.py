"""Records of the scripted workflow, and short ways to ask for its transitions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from audit.models import Entry
from tests.engine import probe
from workflow.definition import registry
from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.start import start
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.models import Record

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def script() -> Iterator[probe.Script]:
    registry.register(probe.PROBE)
    yield probe.SCRIPT
    probe.SCRIPT.guard.clear()
    probe.SCRIPT.apply.clear()
    registry.unregister(probe.PROBE)


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", first_name="Ann", last_name="Lee")


@pytest.fixture
def boss(db: None) -> User:
    user = User.objects.create_user("boss")
    user.user_permissions.add(Permission.objects.get(codename="approve_declaration"))
    return user


Make = Callable[..., Record]


@pytest.fixture
def make(ann: User) -> Make:
    """Start a record; keyword arguments are fields of its subject."""

    def make(**fields: Any) -> Record:
        number = f"T-{next(_numbers)}"
        values = {
            "claimant": ann,
            "number": number,
            "purpose": "a journey",
            "amount": Decimal("12.50"),
            "expense_date": date(2026, 1, 2),
            "declared_on": date(2026, 1, 3),
            **fields,
        }
        return start(
            workflow=probe.PROBE,
            subject=Declaration(**values),
            reference=number,
            user=ann,
            now=clock.now(),
        )

    return make


Ask = Callable[..., Any]


@pytest.fixture
def ask(ann: User) -> Ask:
    """Submit a request; returns the answer."""

    def ask(record: Record, transition: str = "open", **more: Any) -> Any:
        request = Request(record=record.pk, transition=transition, **{"user": ann, **more})
        return submit(request=request, now=clock.now())

    return ask


def actions(record: Record) -> list[str]:
    """What the trail of a record says, in order."""
    return list(Entry.objects.filter(chain=record.pk).values_list("action", flat=True))
