"""J5: live, ready, and whether work is actually being done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests.api.conftest import start_probe
from workflow.engine import clock
from workflow.engine.claim import claim
from workflow.engine.request import Request
from workflow.engine.submit import submit
from workflow.models import Cluster, EffectEntry, Record, TransitionEnvelope
from workflow.queries.progress import progress
from workflow.testing.drain import drain
from workflow.testing.guards import lifted

pytestmark = pytest.mark.django_db

LATE = timedelta(minutes=2)


def told(which: str) -> tuple[int, dict[str, Any]]:
    response = Client().get(f"/health/{which}")
    assert "no-cache" in response.headers["Cache-Control"]
    return response.status_code, response.json()


@pytest.fixture
def cluster() -> Cluster:
    now = clock.now()
    return Cluster.objects.create(name="a", started_at=now, seen_at=now, workers=3)


def ask(record: Record, user: Any) -> None:
    wish = Request(record=record.pk, transition="open", user=user)
    submit(request=wish, now=clock.now())


def make_late() -> None:
    TransitionEnvelope.objects.filter(state="waiting").update(due_at=clock.now() - LATE)


def test_live_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ensure_connection", lambda: 1 / 0)
    assert told("live") == (200, {"status": "ok", "problems": {}})


class TestReady:
    def test_a_database_that_answers_and_is_migrated(self) -> None:
        assert told("ready") == (200, {"status": "ok", "problems": {}})

    def test_one_that_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away() -> None:
            raise OperationalError("secret: host db.internal")

        monkeypatch.setattr("workflow.operations.health._readiness", away)
        status, body = told("ready")
        assert (status, body["status"]) == (503, "failing")
        assert "secret" not in str(body)

    def test_one_that_lacks_migrations(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from django.db.migrations.recorder import MigrationRecorder

        monkeypatch.setattr("workflow.operations.health._seen_migrated", set())
        MigrationRecorder.Migration.objects.filter(app="declarations").delete()
        status, body = told("ready")
        assert (status, list(body["problems"])) == (503, ["migrations"])

    def test_one_whose_guards_are_gone(self) -> None:
        with lifted(connection):
            status, body = told("ready")
        assert (status, list(body["problems"])) == (503, ["guards"])


class TestWorking:
    def test_with_workers_and_nothing_to_do(self, cluster: Cluster) -> None:
        status, body = told("working")
        assert (status, body["workers"], body["oldest_due_seconds"]) == (200, 3, 0.0)

    @pytest.mark.parametrize("how", ["none", "silent", "stopped"])
    def test_without_workers(self, how: str) -> None:
        now = clock.now()
        if how != "none":
            Cluster.objects.create(
                name="a",
                started_at=now,
                seen_at=now - (LATE if how == "silent" else timedelta(0)),
                stopped_at=now if how == "stopped" else None,
                workers=3,
            )
        assert told("working")[0] == 503

    def test_a_cluster_that_signs_and_begins_nothing(
        self,
        cluster: Cluster,
        probe_record: Record,
        ann: Any,
    ) -> None:
        ask(probe_record, ann)
        assert told("working")[0] == 200
        make_late()
        status, body = told("working")
        assert status == 503
        assert "due for 12" in body["problems"]["work"]

    def test_a_long_queue_that_is_worked_on_is_none(
        self,
        cluster: Cluster,
        ann: Any,
    ) -> None:
        for _ in range(3):
            ask(start_probe(ann), ann)
        make_late()
        claim(worker="a/1", now=clock.now(), limit=1)
        assert told("working")[0] == 200

    def test_what_was_finished_lately_counts_as_well(
        self,
        cluster: Cluster,
        ann: Any,
        probe_record: Record,
    ) -> None:
        ask(probe_record, ann)
        drain()
        ask(start_probe(ann), ann)
        make_late()
        assert told("working")[0] == 200

    def test_a_call_that_nobody_begins(
        self,
        cluster: Cluster,
        make: Any,
        ann: Any,
    ) -> None:
        wish = Request(record=make().pk, transition="tell", user=ann)
        submit(request=wish, now=clock.now())
        drain()
        long_ago = clock.now() - LATE
        with lifted(connection):
            TransitionEnvelope.objects.filter(state="fired").update(finished_at=long_ago)
            EffectEntry.objects.update(
                state="waiting", finished_at=None, due_at=long_ago, claim=None, claimed_at=None
            )
        found = progress(now=clock.now())
        assert found.oldest_due is not None
        assert found.oldest_due >= LATE
        assert told("working")[0] == 503

    def test_what_is_for_later_or_paused_is_not_late(
        self,
        cluster: Cluster,
        probe_record: Record,
        ann: Any,
    ) -> None:
        from workflow.acts.pause import pause
        from workflow.models import Scope

        ask(probe_record, ann)
        make_late()
        now = clock.now()
        pause(scope=Scope.WORKFLOW, name="probe", user=ann, reason="x", until=None, now=now)
        assert told("working")[0] == 200
