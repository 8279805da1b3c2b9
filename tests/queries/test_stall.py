"""One cause for every envelope that stands still, and the next automatic act with its time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.queries.conftest import Scene
from workflow.definition import registry
from workflow.engine import clock
from workflow.models import TransitionEnvelope
from workflow.queries.stall import diagnose
from workflow.queries.world import Why, world
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def said(scene: Scene, envelope: TransitionEnvelope, ahead: timedelta = timedelta(0)):
    return diagnose(envelope=envelope, world=scene.world, now=clock.now() + ahead)


def test_without_workers_it_says_so_and_nothing_is_promised(scene: Scene) -> None:
    stall = said(scene, scene.waiting())

    assert stall.cause is Why.NO_WORKER
    assert "None has ever signed" in stall.sentence
    assert stall.next_at is None
    assert stall.needs_person


def test_a_cluster_that_went_silent_is_no_worker(scene: Scene) -> None:
    scene.cluster(seen=timedelta(minutes=5))

    stall = said(scene, scene.waiting())

    assert stall.cause is Why.NO_WORKER
    assert "5 min ago" in stall.sentence


def test_due_this_moment_is_not_late(scene: Scene) -> None:
    scene.cluster()
    assert said(scene, scene.waiting()).cause is Why.STARTING


def test_behind_others_it_says_how_many(scene: Scene) -> None:
    scene.cluster()
    scene.waiting()
    scene.waiting()
    last = scene.waiting()

    stall = said(scene, last, ahead=timedelta(seconds=10))

    assert stall.cause is Why.BUSY_WORKERS
    assert "2 are before it" in stall.sentence
    assert "2 workers" in stall.sentence


def test_backing_off_names_the_error_and_when_it_is_tried_again(scene: Scene) -> None:
    envelope = scene.backing_off()

    stall = said(scene, envelope)

    assert stall.cause is Why.BACKING_OFF
    assert "Attempt 1 of 3" in stall.sentence
    assert "the provider timed out" in stall.sentence
    assert stall.next_at == envelope.due_at
    assert f"{envelope.due_at:%H:%M}" in stall.next_act


def test_a_running_one_names_its_worker_and_the_end_of_its_lease(scene: Scene) -> None:
    scene.cluster()
    envelope = scene.running()

    stall = said(scene, envelope)

    assert stall.cause is Why.RUNNING
    assert "host.1/7" in stall.sentence
    assert "has not signed" not in stall.sentence
    assert stall.next_at == envelope.due_at


def test_a_running_one_of_a_silent_cluster_is_suspected(scene: Scene) -> None:
    assert "has not signed lately" in said(scene, scene.running()).sentence


def test_an_expired_lease_is_named(scene: Scene) -> None:
    scene.cluster()
    stall = said(scene, scene.running(), ahead=timedelta(minutes=2))

    assert stall.cause is Why.LEASE_LOST
    assert "takes it back" in stall.next_act


def test_a_parked_one_says_that_nothing_happens_by_itself(scene: Scene) -> None:
    stall = said(scene, scene.parked())

    assert stall.cause is Why.PARKED
    assert "account closed" in stall.sentence
    assert "after 1 attempt:" in stall.sentence
    assert stall.next_at is None


def test_a_scheduled_one_names_its_time(scene: Scene) -> None:
    envelope = scene.waiting(due_at=clock.now() + timedelta(hours=3))

    stall = said(scene, envelope)

    assert stall.cause is Why.SCHEDULED
    assert "in 3 h" in stall.sentence
    assert stall.next_at == envelope.due_at


def test_a_vanished_version_is_named(scene: Scene) -> None:
    envelope = scene.waiting()
    registry.unregister(registry.latest("probe"))

    stall = said(scene, envelope)

    assert stall.cause is Why.NO_RELEASE
    assert "probe/1" in stall.sentence


def test_a_finished_one_is_not_stalled(scene: Scene) -> None:
    envelope = scene.waiting()
    drain()
    envelope.refresh_from_db()

    assert said(scene, envelope).cause is Why.FINISHED


def test_the_world_takes_two_statements_however_much_waits(
    scene: Scene, django_assert_num_queries
) -> None:
    for _ in range(5):
        scene.waiting()
    scene.cluster()
    with django_assert_num_queries(4):
        assert world(now=clock.now()).waiting.number == 5
