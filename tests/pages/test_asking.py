"""The form of a transition: consequence first, one form is one wish, nothing stale passes."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from audit.models import Entry
from tests.engine.conftest import Make
from tests.pages.conftest import Scene, browser, text
from workflow.models import Record, State, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>\"'{{ 7*7 }}\u202e%s\\"


@pytest.fixture
def client(ann: User) -> Client:
    ann.user_permissions.add(Permission.objects.get(codename="request_transition"))
    return browser(ann)


def hidden(html: str) -> dict[str, str]:
    found = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html))
    return {name: found[name] for name in ("transition_id", "version")}


def address(record: Record, transition: str = "open") -> str:
    return f"/desk/records/{record.pk}/{transition}/"


def send(client: Client, record: Record, transition: str = "open", **fields: str) -> Any:
    html = text(client.get(address(record, transition)))
    return client.post(address(record, transition), {**hidden(html), **fields}, follow=True)


def test_the_consequence_is_said_first_and_nothing_is_written(client: Client, make: Make) -> None:
    record = make()

    html = text(client.get(address(record)))

    assert html.index("What this does") < html.index("<textarea")
    assert "Nothing is sent to other systems." in html
    assert "All 3 guards hold" in html
    assert not TransitionEnvelope.objects.exists()


def test_asking_leads_to_the_page_that_follows_it_to_its_end(client: Client, make: Make) -> None:
    record = make()

    response = send(client, record, reason="Because")

    envelope = TransitionEnvelope.objects.get(transition="open")
    assert response.redirect_chain == [(f"/desk/transitions/{envelope.pk}/", 302)]
    assert 'data-follow="' in text(response)
    assert '<noscript><meta http-equiv="refresh"' in text(response)
    assert (envelope.reason, envelope.origin, envelope.expected_version) == ("Because", "form", 0)
    drain()
    done = text(client.get(f"/desk/transitions/{envelope.pk}/"))
    assert "data-follow" not in done
    assert "the record became “Open”" in done


def test_one_form_sent_twice_is_one_wish(client: Client, make: Make) -> None:
    record = make()
    data = hidden(text(client.get(address(record))))

    client.post(address(record), data)
    drain()
    again = client.post(address(record), data, follow=True)

    assert "it counts once" in text(again)
    assert TransitionEnvelope.objects.filter(transition="open").count() == 1
    assert Entry.objects.filter(action="repeated").count() == 1


def test_the_same_form_with_other_content_changes_nothing(client: Client, make: Make) -> None:
    record = make()
    data = hidden(text(client.get(address(record))))
    client.post(address(record), data)

    again = client.post(address(record), {**data, "reason": "other"}, follow=True)

    assert "sent before with other content, and that stands" in text(again)
    assert TransitionEnvelope.objects.get(transition="open").reason == ""


def test_a_stale_form_submits_nothing_and_keeps_what_was_filled_in(
    client: Client, scene: Scene, make: Make
) -> None:
    record = make()
    scene.ask(record)
    drain()
    html = text(client.get(address(record, "note")))
    scene.ask(record, "note", payload={"note": "first"})
    drain()
    before = TransitionEnvelope.objects.count()

    response = client.post(
        address(record, "note"), {**hidden(html), "note": "mine", "reason": "R"}
    )

    told = text(response)
    assert response.status_code == 409
    assert "has changed since you opened this form" in told
    assert 'value="mine"' in told
    assert ">R</textarea>" in told
    assert hidden(told)["version"] == "2"
    assert hidden(told)["transition_id"] != hidden(html)["transition_id"]
    assert TransitionEnvelope.objects.count() == before


def test_checking_answers_and_does_nothing(client: Client, scene: Scene, make: Make) -> None:
    record = make()
    scene.ask(record)
    drain()
    before = TransitionEnvelope.objects.count(), Entry.objects.count()

    response = send(client, record, "note", note="x", check="1")

    assert response.status_code == 200
    assert "nothing was done" in text(response)
    assert (TransitionEnvelope.objects.count(), Entry.objects.count()) == before


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"transition_id": "no uuid"}, 422, "is no UUID"),
        ({"transition_id": ""}, 422, "is no UUID"),
        ({"version": "one"}, 422, "is no number"),
        ({"version": "-1"}, 422, "is no number"),
        ({"version": "99999999999999"}, 422, "is no number"),
        ({"version": "7"}, 409, "has changed since"),
        ({"reason": "\x00"}, 422, "NUL"),
        ({"reason": "x" * 10_001}, 422, "at most 10000 characters"),
    ],
)
def test_a_forged_form_does_nothing_and_says_why(
    client: Client, make: Make, change: dict[str, str], status: int, told: str
) -> None:
    record = make()

    response = send(client, record, **change)

    assert response.status_code == status
    assert told in text(response)
    assert not TransitionEnvelope.objects.exists()


def test_a_faulty_field_is_told_at_the_field(client: Client, scene: Scene, make: Make) -> None:
    record = make()
    scene.ask(record)
    drain()

    response = send(client, record, "note", note="much too long for it", count="many")

    assert response.status_code == 422
    assert "at most 10 characters" in text(response)
    assert "Enter a whole number." in text(response)
    assert not TransitionEnvelope.objects.filter(transition="note").exists()


def test_a_guard_that_refuses_is_told_before_and_after(client: Client, make: Make) -> None:
    record = make(amount=Decimal(0))

    before = text(client.get(address(record)))
    response = send(client, record)
    drain()

    assert "As it stands, this would be refused:" in before
    assert "The amount must be positive." in before
    envelope = TransitionEnvelope.objects.get()
    assert envelope.state == State.REFUSED
    after = text(client.get(response.redirect_chain[0][0]))
    assert "was refused" in after
    assert "Required" in after


def test_a_transition_by_url_without_its_permission_is_refused_and_entered(
    client: Client, scene: Scene, make: Make
) -> None:
    record = make()
    scene.ask(record)
    drain()

    html = text(client.get(address(record, "close")))
    response = send(client, record, "close", reason="Mine")

    assert "disabled" in html
    assert "may not do" in text(response)
    refused = TransitionEnvelope.objects.get(transition="close")
    assert (refused.state, refused.code) == (State.REFUSED, "permission_denied")
    assert Entry.objects.filter(transition_id=refused.pk, action="refused").exists()


def test_who_may_not_ask_at_all_is_denied_and_entered(ann: User, make: Make) -> None:
    record = make()

    response = browser(ann).post(address(record), {})

    assert response.status_code == 403
    assert "workflow.request_transition" in text(response)
    assert Entry.objects.get(action="denied").actor == "Ann Lee"
    assert not TransitionEnvelope.objects.exists()


def test_an_unknown_transition_is_not_found(client: Client, make: Make) -> None:
    assert client.get(address(make(), "explode")).status_code == 404


def test_a_record_that_is_not_yours_is_not_found(
    client: Client, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.probe import PROBE

    monkeypatch.setitem(PROBE.__dict__, "visible", lambda rows, user: rows.none())
    record = make()
    for path in (address(record), f"/desk/records/{record.pk}/"):
        assert client.get(path).status_code == 404
        assert client.post(address(record), {}).status_code == 404


def test_hostile_text_is_shown_as_text_everywhere(
    client: Client, scene: Scene, support: User, ann: User
) -> None:
    ann.first_name, ann.last_name = "<b>Ann", "</b><img src=x onerror=alert(1)>"
    ann.save()
    record = scene.make(purpose=HOSTILE, number=HOSTILE[:90], cost_centre="<i>")
    envelope = scene.parked(record)
    TransitionEnvelope.objects.filter(pk=envelope.pk).update(message=HOSTILE, worker=HOSTILE)
    staff = browser(support)
    paths = [
        (client, f"/desk/records/{record.pk}/"),
        (client, f"/desk/transitions/{envelope.pk}/"),
        (client, "/desk/"),
        (client, f"/desk/?q={HOSTILE}&status={HOSTILE}"),
        (staff, f"/admin/workflow/record/{record.pk}/change/"),
        (staff, f"/admin/workflow/record/?q={HOSTILE}&status={HOSTILE}&from={HOSTILE}"),
        (staff, f"/admin/workflow/transitionenvelope/{envelope.pk}/change/"),
        (staff, f"/admin/workflow/transitionenvelope/?q={HOSTILE}&after={HOSTILE}"),
        (staff, f"/admin/audit/entry/?q={HOSTILE}&action={HOSTILE}&before={HOSTILE}"),
        (staff, "/admin/attention/"),
        (staff, "/admin/attention/probe/open/-/permanent/"),
        (staff, f"/admin/transitions/{envelope.pk}/retry/"),
        (staff, "/admin/"),
    ]
    for who, path in paths:
        response = who.get(path)
        html = text(response)
        assert response.status_code == 200, path
        assert "<script>alert" not in html, path
        assert "<img src=x" not in html, path
        assert "<i>" not in html, path
        assert not re.search(r"\sstyle=|\son\w+=\"", html), path
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
