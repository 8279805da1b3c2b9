"""Bulk acts: prepared, one, ten, the rest; stoppable; an outcome for each; nothing twice."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from audit.models import Entry
from tests.pages.conftest import Scene, browser, text
from workflow.acts import bulk
from workflow.acts.cancel import cancel
from workflow.engine import clock
from workflow.models import BulkRun, BulkState, ItemState, State, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

CAUSE = "/admin/attention/probe/open/-/permanent/"


@pytest.fixture
def parked(scene: Scene) -> list[TransitionEnvelope]:
    return [scene.parked() for _ in range(15)]


@pytest.fixture
def client(operator: User) -> Client:
    return browser(operator)


def prepared(client: Client, **more: str) -> BulkRun:
    data = {"press": "retry", "reason": "mended", "rate": "1000", **more}
    client.post(CAUSE, data)
    return BulkRun.objects.latest("created_at")


def press(client: Client, run: BulkRun, what: str, **more: Any) -> str:
    html = text(client.get(f"/admin/bulk/{run.pk}/"))
    seen = re.search(r'name="allowed" value="(\d+)"', html)
    data = {"press": what, "allowed": seen[1] if seen else "", **more}
    response = client.post(f"/admin/bulk/{run.pk}/", data, follow=True)
    run.refresh_from_db()
    return text(response)


def done(run: BulkRun) -> int:
    return run.items.exclude(state=ItemState.WAITING).count()


def test_preparing_does_nothing(client: Client, parked: list[TransitionEnvelope]) -> None:
    run = prepared(client)

    html = text(client.get(f"/admin/bulk/{run.pk}/"))

    assert run.state == BulkState.READY
    assert "Nothing has been done yet." in html
    assert "Do the first one" in html
    assert run.items.count() == 15
    assert TransitionEnvelope.objects.filter(state=State.PARKED).count() == 15
    assert not Entry.objects.filter(action="resumed").exists()


def test_one_then_ten_then_the_rest_each_with_its_go_ahead(
    client: Client, scene: Scene, parked: list[TransitionEnvelope]
) -> None:
    run = prepared(client)
    scene.script.apply.clear()  # what was wrong is mended

    press(client, run, "allow")
    assert (done(run), run.state) == (1, BulkState.READY)
    drain()
    html = press(client, run, "allow")
    while run.state == BulkState.GOING:
        html = press(client, run, "advance")
    assert (done(run), run.state) == (11, BulkState.READY)
    assert "Do the remaining 4" in html
    press(client, run, "allow")
    while run.state == BulkState.GOING:
        press(client, run, "advance")
    drain()

    assert (done(run), run.state) == (15, BulkState.DONE)
    assert TransitionEnvelope.objects.filter(transition="open", state=State.FIRED).count() == 15
    assert Entry.objects.filter(action="resumed", reason="mended", actor="otto").count() == 15
    html = text(client.get(f"/admin/bulk/{run.pk}/"))
    assert "15 done, 0 refused, 0 not needed any more, of 15" in html
    assert html.count('<span class="pill good">Fired</span>') == 15


def test_pressing_twice_allows_once(client: Client, parked: list[TransitionEnvelope]) -> None:
    run = prepared(client)

    press(client, run, "allow")
    press(client, run, "allow", allowed="0")  # the page as it was before

    assert (run.allowed, done(run)) == (1, 1)


def test_a_stop_holds_the_rest_and_it_can_go_on(
    client: Client, parked: list[TransitionEnvelope]
) -> None:
    run = prepared(client, rate="1")
    press(client, run, "allow")
    press(client, run, "allow")
    before = done(run)
    assert before < 11

    press(client, run, "stop")
    press(client, run, "advance")

    assert (run.state, done(run)) == (BulkState.STOPPED, before)
    assert "Go on" in text(client.get(f"/admin/bulk/{run.pk}/"))
    press(client, run, "allow")
    assert run.state == BulkState.GOING
    assert run.allowed == 11


def test_it_is_no_faster_than_its_rate(parked: list[TransitionEnvelope], operator: User) -> None:
    client = browser(operator)
    run = prepared(client, rate="5")
    now = clock.now()
    BulkRun.objects.filter(pk=run.pk).update(allowed=15, state=BulkState.GOING, advanced_at=now)

    bulk.advance(run=run, user=operator, now=now + timedelta(seconds=1))
    assert done(run) == 5
    bulk.advance(run=run, user=operator, now=now + timedelta(seconds=1))
    assert done(run) == 5


def test_what_has_moved_since_is_skipped_and_the_others_are_done(
    client: Client, scene: Scene, parked: list[TransitionEnvelope], operator: User
) -> None:
    run = prepared(client)
    cancel(transition_id=parked[3].pk, user=operator, reason="dup", now=clock.now())
    for _ in range(9):
        press(client, run, "advance" if run.state == BulkState.GOING else "allow")

    assert run.state == BulkState.DONE
    assert run.items.filter(state=ItemState.DONE).count() == 14
    skipped = run.items.get(state=ItemState.SKIPPED)
    assert skipped.envelope_id == parked[3].pk
    assert "only one that is parked" in skipped.message


@pytest.mark.parametrize("change", [{"reason": " "}, {"reason": ""}])
def test_without_a_reason_nothing_is_prepared(
    client: Client, parked: list[TransitionEnvelope], change: dict[str, str]
) -> None:
    client.post(CAUSE, {"press": "retry", "reason": "x", **change})
    assert not BulkRun.objects.exists()


def test_who_may_not_act_may_look_and_nothing_happens(
    client: Client, support: User, parked: list[TransitionEnvelope]
) -> None:
    run = prepared(client)
    other = browser(support)

    html = text(other.get(f"/admin/bulk/{run.pk}/"))
    answer = other.post(f"/admin/bulk/{run.pk}/", {"press": "allow", "allowed": "0"})

    assert "You may look, and not act in bulk." in html
    assert answer.status_code == 403
    assert done(run) == 0


def test_the_note_about_a_cause_survives_the_retry(
    client: Client, scene: Scene, operator: User, parked: list[TransitionEnvelope]
) -> None:
    client.post(CAUSE, {"press": "note", "note": "Ring the bank, 0800", "owner": str(operator.pk)})
    run = prepared(client)
    scene.script.apply.clear()
    for _ in range(9):
        press(client, run, "advance" if run.state == BulkState.GOING else "allow")
    drain()
    assert "Nothing needs a person." in text(client.get("/admin/attention/"))

    scene.parked()

    html = text(client.get("/admin/attention/"))
    assert "Ring the bank, 0800" in html
    assert "otto" in html
    assert Entry.objects.get(action="noted").reason == "Ring the bank, 0800"


def test_a_transition_of_many_records_has_an_outcome_for_each(scene: Scene, ann: User) -> None:
    for codename in ("bulk_transition", "request_transition"):
        ann.user_permissions.add(Permission.objects.get(codename=codename))
    good = [scene.make() for _ in range(3)]
    bad = scene.make(amount=0)
    client = browser(ann)
    chosen = {"record": [str(record.pk) for record in (*good, bad)]}

    which = text(client.post("/desk/bulk/", chosen))
    preview = text(client.post("/desk/bulk/", {**chosen, "transition": "open"}))
    assert "starts from the status of 4 of 4" in which
    assert preview.count("become") >= 3
    assert "The amount must be positive." in preview
    assert not TransitionEnvelope.objects.exists()
    response = client.post(
        "/desk/bulk/", {**chosen, "transition": "open", "go": "1", "reason": "all fine"}
    )
    run = BulkRun.objects.get()
    assert response.headers["Location"] == f"/desk/bulk/{run.pk}/"
    asked = TransitionEnvelope.objects.filter(transition="open")
    until = time.monotonic() + 20  # it is throttled: so many a second
    while asked.count() < len(chosen["record"]):
        assert time.monotonic() < until, f"{asked.count()} of 4 were asked for"
        client.post(f"/desk/bulk/{run.pk}/", {"press": "allow", "allowed": str(run.allowed)})
        client.post(f"/desk/bulk/{run.pk}/", {"press": "advance"})
        run.refresh_from_db()
    drain()

    html = text(client.get(f"/desk/bulk/{run.pk}/"))
    assert html.count('<span class="pill good">Fired</span>') == 3
    assert html.count('<span class="pill warn">Refused</span>') == 1
    assert TransitionEnvelope.objects.filter(transition="open").count() == 4
    assert browser(User.objects.create_user("eve")).get(f"/desk/bulk/{run.pk}/").status_code == 404


def test_an_empty_choice_is_told(scene: Scene, ann: User) -> None:
    ann.user_permissions.add(Permission.objects.get(codename="bulk_transition"))
    response = browser(ann).post("/desk/bulk/", {"record": ["nonsense"]}, follow=True)
    assert "Choose at least one record first." in text(response)
