"""Records in every condition that a page has to explain."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

# ruff: noqa: F401, F811  (fixtures of other packages)
from tests.engine.conftest import (
    Ask,
    Make,
    ann,
    ask,
    boss,
    make,
    script,
)
from workflow.definition import Permanent, Retryable
from workflow.engine import clock
from workflow.engine.claim import claim
from workflow.models import Cluster, Record, TransitionEnvelope
from workflow.queries.world import World, world
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


class Scene:
    """Brings envelopes into a condition, through the engine."""

    def __init__(self, make: Make, ask: Ask, script, user: User) -> None:
        self.make, self.ask, self.script, self.user = make, ask, script, user

    def waiting(self, **more) -> TransitionEnvelope:
        return self.ask(self.make(), **more).envelope

    def backing_off(self) -> TransitionEnvelope:
        return self._failing(Retryable("the provider timed out", retry_after=timedelta(hours=1)))

    def parked(self, record: Record | None = None) -> TransitionEnvelope:
        return self._failing(Permanent("account closed"), record)

    def running(self) -> TransitionEnvelope:
        envelope = self.waiting()
        claim(worker="host.1/7", now=clock.now())
        envelope.refresh_from_db()
        return envelope

    def cluster(self, *, seen: timedelta = timedelta(0), workers: int = 2) -> Cluster:
        now = clock.now()
        return Cluster.objects.create(
            name="host.1", started_at=now - seen, seen_at=now - seen, workers=workers
        )

    def _failing(self, error: Exception, record: Record | None = None) -> TransitionEnvelope:
        def fail(_context) -> None:
            raise error

        envelope = self.ask(record or self.make()).envelope
        self.script.apply[envelope.pk] = fail
        drain()
        envelope.refresh_from_db()
        return envelope

    @property
    def world(self) -> World:
        return world(now=clock.now())


@pytest.fixture
def scene(make: Make, ask: Ask, script, ann: User) -> Scene:
    return Scene(make, ask, script, ann)
