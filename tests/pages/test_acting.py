"""Retry and cancel: consequence and reason, once, and nobody acts on what they have not seen."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit.models import Entry
from tests.pages.conftest import Scene, Staff, browser, text
from workflow.models import State, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def address(envelope: TransitionEnvelope, act: str) -> str:
    return f"/admin/transitions/{envelope.pk}/{act}/"


def opened(client: Client, envelope: TransitionEnvelope, act: str) -> dict[str, str]:
    html = text(client.get(address(envelope, act)))
    fence = re.search(r'name="fence" value="(\d+)"', html)
    assert fence, html
    return {"fence": fence[1], "reason": "bank is back"}


def press(client: Client, envelope: TransitionEnvelope, act: str, data: dict[str, str]) -> Any:
    response = client.post(address(envelope, act), data, follow=True)
    envelope.refresh_from_db()
    return response


def test_a_retry_says_what_it_does_and_does_it_under_the_same_id(
    scene: Scene, support: User
) -> None:
    envelope = scene.parked()
    client = browser(support)

    html = text(client.get(address(envelope, "retry")))
    press(client, envelope, "retry", opened(client, envelope, "retry"))

    assert "under the same transition id, so nothing can happen twice" in html
    assert "It gets 3 new attempts." in html
    assert envelope.state == State.WAITING
    entry = Entry.objects.get(action="resumed")
    assert (entry.actor, entry.reason) == ("sue", "bank is back")


def test_of_two_people_who_retry_one_wins_and_the_other_is_told(
    scene: Scene, support: User, staff: Staff
) -> None:
    envelope = scene.parked()
    first, second = browser(support), browser(staff("sam", "Workflow support"))
    data = opened(first, envelope, "retry")
    late = opened(second, envelope, "retry")

    press(first, envelope, "retry", data)
    told = press(second, envelope, "retry", late)

    assert told.status_code == 409
    assert "Nothing was done" in text(told)
    assert Entry.objects.filter(action="resumed").count() == 1


def test_a_stale_page_is_told_even_when_it_is_parked_again(scene: Scene, support: User) -> None:
    envelope = scene.parked()
    client = browser(support)
    seen = opened(client, envelope, "retry")
    press(client, envelope, "retry", seen)
    drain()  # it fails and parks again
    envelope.refresh_from_db()
    assert envelope.state == State.PARKED

    told = press(client, envelope, "retry", seen)

    assert told.status_code == 409
    assert "taken up again since you looked" in text(told)
    assert envelope.state == State.PARKED


@pytest.mark.parametrize("act", ["retry", "cancel"])
@pytest.mark.parametrize(
    "change", [{"reason": ""}, {"reason": "  "}, {"fence": "x"}, {"fence": ""}, {"reason": "\x00"}]
)
def test_without_reason_or_fence_nothing_is_done(
    scene: Scene, support: User, act: str, change: dict[str, str]
) -> None:
    envelope = scene.parked()
    client = browser(support)

    told = press(client, envelope, act, {**opened(client, envelope, act), **change})

    assert told.status_code == 409
    assert "Nothing was done" in text(told)
    assert envelope.state == State.PARKED


def test_cancelling_says_what_it_does_and_frees_the_record(scene: Scene, support: User) -> None:
    envelope = scene.parked()
    client = browser(support)

    html = text(client.get(address(envelope, "cancel")))
    press(client, envelope, "cancel", opened(client, envelope, "cancel"))

    assert "It will never fire." in html
    assert "Nothing was sent to other systems." in html
    assert envelope.state == State.CANCELLED


def test_what_cannot_be_done_says_why_and_has_no_live_button(scene: Scene, support: User) -> None:
    envelope = scene.waiting()
    drain()
    client = browser(support)
    for act, told in (("retry", "Only a parked one"), ("cancel", "cannot be cancelled any more")):
        html = text(client.get(address(envelope, act)))
        assert told in html
        assert "disabled" in html


def test_an_unknown_act_is_not_found(scene: Scene, support: User) -> None:
    assert browser(support).get(address(scene.parked(), "explode")).status_code == 404


def test_looking_at_personal_data_takes_a_reason_and_is_entered(
    scene: Scene, support: User, operator: User
) -> None:
    record = scene.make(purpose="treatment in Lourdes")
    page = f"/admin/workflow/record/{record.pk}/change/"
    reveal = f"/admin/records/{record.pk}/reveal/"
    client = browser(support)

    assert "Lourdes" not in text(client.get(page))
    assert client.post(reveal, {"reason": " "}).status_code == 403
    shown = client.post(reveal, {"reason": "complaint 7"})

    assert "Lourdes" in text(shown)
    assert "no-store" in shown.headers["Cache-Control"]
    entry = Entry.objects.get(action="revealed")
    assert (entry.actor, entry.reason, entry.chain) == ("sue", "complaint 7", record.pk)
    assert "Lourdes" not in text(client.get(page))
    assert browser(operator).post(reveal, {"reason": "curious"}).status_code == 403
    assert Entry.objects.filter(action="denied", actor="otto").exists()


def test_personal_input_is_masked_on_the_page_of_its_transition(
    scene: Scene, support: User
) -> None:
    record = scene.make()
    scene.ask(record)
    drain()
    envelope = scene.ask(record, "note", payload={"note": "Lourdes"}).envelope

    page = f"/admin/workflow/transitionenvelope/{envelope.pk}/change/"

    assert "Lourdes" not in text(browser(support).get(page))
