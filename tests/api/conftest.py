"""Callers of the API: people with a session, systems with a key; and records to call about."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client

from audit.models import Entry
from tests.effects.conftest import make  # noqa: F401  (a fixture)
from tests.effects.errand import ERRAND, SCRIPT, Script
from tests.engine import probe
from workflow.acts.api_keys import make as make_key
from workflow.definition import registry
from workflow.engine import clock
from workflow.engine.start import start
from workflow.examples.declarations.models import Declaration
from workflow.models import EffectEntry, KeyScope, Pause, Record, TransitionEnvelope

RIGHTS = (
    "view_record", "request_transition", "retry_transition", "settle_effect", "bulk_transition",
    "pause_work", "reveal_personal",
)  # fmt: skip
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def script() -> Iterator[Script]:
    registry.register(ERRAND)
    registry.register(probe.PROBE)
    SCRIPT.reset()
    yield SCRIPT
    registry.unregister(ERRAND)
    registry.unregister(probe.PROBE)


def allow(user: User, *codenames: str) -> User:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def ann(db: None) -> User:
    """May look at everything and ask for anything."""
    user = User.objects.create_user("ann", first_name="Ann", last_name="Lee")
    return allow(user, *RIGHTS)


class Api:
    """One caller."""

    def __init__(self, client: Client, **headers: str) -> None:
        self.client = client
        self.headers = headers

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> HttpResponse:
        return self.client.get(at(path), query or {}, headers={**self.headers, **headers})

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        text = body if isinstance(body, bytes | str) else json.dumps(body or {})
        kind = headers.pop("content_type", "application/json")
        return self.client.post(
            at(path), text, content_type=kind, headers={**self.headers, **headers}
        )

    def ask(
        self, record: Record, transition: str = "open", *, key: Any = None, **more: Any
    ) -> HttpResponse:
        headers = more.pop("headers", {})
        sent = {"Idempotency-Key": str(key or uuid4()), **headers}
        body = {"transition": transition, **more}
        return self.post(f"records/{record.pk}/transitions", body, **sent)


def at(path: str) -> str:
    return path if path.startswith("/") else f"/api/v1/{path}"


Caller = Callable[..., Api]


@pytest.fixture
def keyed(ann: User) -> Caller:
    """A system with a key, by default Ann's with every scope."""

    def keyed(user: User = ann, *scopes: str, lasts: timedelta = timedelta(days=1)) -> Api:
        made = make_key(
            name=f"system {next(_numbers)}",
            user=user,
            scopes=scopes or KeyScope.values,
            lasts=lasts,
            by=None,
            now=clock.now(),
        )
        return Api(Client(enforce_csrf_checks=True), Authorization=f"Bearer {made.text}")

    return keyed


@pytest.fixture
def api(keyed: Caller) -> Api:
    return keyed()


@pytest.fixture
def probe_record(ann: User) -> Record:
    return start_probe(ann)


def start_probe(user: User, *, at: datetime | None = None, **fields: Any) -> Record:
    number = f"P-{next(_numbers)}"
    values = {
        "claimant": user,
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
        user=user,
        now=at or clock.now(),
    )


def problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """Check that it is a problem document, and return it."""
    assert response.headers["Content-Type"] == "application/problem+json", response.content
    told: dict[str, Any] = json.loads(response.content)
    assert (response.status_code, told["status"], told["code"]) == (status, status, code), told
    assert told["correlation_id"] == response.headers["X-Correlation-ID"]
    assert told["type"] == f"urn:escapement:problem:{code}"
    assert told["detail"]
    return told


def written() -> tuple[int, ...]:
    """Count everything that a request could write."""
    tables = (TransitionEnvelope, Entry, EffectEntry, Record, Pause)
    return tuple(table.objects.count() for table in tables)


@pytest.fixture
def nothing_written(db: None) -> Iterator[None]:
    """Fail the test if it leaves a trace."""
    before = written()
    yield
    assert written() == before
