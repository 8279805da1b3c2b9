# ruff: noqa: F401, F811  (fixtures of other packages)
"""A call in doubt: looked at, settled by one person, and the other is told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from audit.models import Entry
from tests.effects.conftest import Ask, Errand, ann, ask, boss, make, script
from tests.effects.errand import ERRAND, Script
from tests.pages.conftest import browser, text
from workflow.definition import Declined, Rejected, Unknown
from workflow.models import EffectState, Pause, State
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(db: None) -> dict[str, User]:
    made = {}
    for name, group in (("sue", "support"), ("sam", "support"), ("otto", "operator")):
        made[name] = User.objects.create_user(name, is_staff=True)
        made[name].groups.add(Group.objects.get(name=f"Workflow {group}"))
    return made


@pytest.fixture
def doubt(script: Script, ask: Ask) -> Errand:
    """An errand whose letter, which only a person can bring out of doubt, may have been sent."""
    script.answers["letter"] = [Unknown(reason="connection lost")]
    return ask("post")


def opened(client: Client, errand: Errand, name: str = "letter") -> dict[str, str]:
    entry = errand.effect(name)
    html = text(client.get(f"/admin/effects/{entry.pk}/"))
    found = re.search(r'name="fence" value="(\d+)"', html)
    assert found, html
    return {"fence": found[1], "reason": "rang them", "receipt": "L-77"}


def settle(client: Client, errand: Errand, data: dict[str, str], name: str = "letter") -> Any:
    return client.post(f"/admin/effects/{errand.effect(name).pk}/", data, follow=True)


def test_the_page_of_the_record_and_of_the_envelope_lead_to_settling(
    doubt: Errand, people: dict[str, User]
) -> None:
    client = browser(people["sue"])
    entry = doubt.effect("letter")
    for path in (
        f"/admin/workflow/record/{doubt.record_id}/change/",
        f"/admin/workflow/transitionenvelope/{doubt.id}/change/",
        "/admin/attention/errand/post/letter/" + entry.code + "/",
    ):
        html = text(client.get(path))
        assert f"/admin/effects/{entry.pk}/" in html, path
        assert "in doubt" in html.lower(), path
    assert "Its call letter is in doubt; settle that first." in text(
        client.get(f"/admin/transitions/{doubt.id}/retry/")
    )


def test_each_way_out_says_what_it_does(doubt: Errand, people: dict[str, User]) -> None:
    html = text(browser(people["sue"]).get(f"/admin/effects/{doubt.effect('letter').pk}/"))

    assert "The receipt is kept, nothing is sent" in html
    assert f"It is sent now, under its key {doubt.effect('letter').key}" in html
    assert "Its transition ends without firing" in html
    assert "Send it again" not in html  # a second letter would go out


def test_it_happened_keeps_the_receipt_and_goes_on(
    doubt: Errand, people: dict[str, User], script: Script
) -> None:
    client = browser(people["sue"])

    settle(client, doubt, {**opened(client, doubt), "way": "happened"})
    drain()

    assert doubt.effect("letter").receipt == {"reference": "L-77"}
    assert doubt.envelope.state == State.FIRED
    assert script.names.count("letter") == 1
    entry = Entry.objects.get(action="effect_done", reason="rang them")
    assert entry.actor == "sue"


def test_a_receipt_in_json_is_kept_as_it_is(doubt: Errand, people: dict[str, User]) -> None:
    client = browser(people["sue"])
    data = {**opened(client, doubt), "way": "happened", "receipt": '{"number": 7}'}

    settle(client, doubt, data)

    assert doubt.effect("letter").receipt == {"number": 7}


def test_it_did_not_happen_sends_it(
    doubt: Errand, people: dict[str, User], script: Script
) -> None:
    client = browser(people["sue"])

    settle(client, doubt, {**opened(client, doubt), "way": "did_not_happen"})
    drain()

    assert script.names.count("letter") == 2
    assert len({call.key for call in script.called("letter")}) == 1
    assert doubt.envelope.state == State.FIRED


def test_given_up_the_transition_ends_and_is_taken_back(
    doubt: Errand, people: dict[str, User], script: Script
) -> None:
    client = browser(people["sue"])

    settle(client, doubt, {**opened(client, doubt), "way": "give_up"})
    drain()

    assert doubt.envelope.state == State.CANCELLED
    assert script.names == ["reserve", "letter", "release"]
    page = text(client.get(f"/admin/workflow/transitionenvelope/{doubt.id}/change/"))
    assert "Take back:" in page


def test_of_two_people_who_settle_one_wins_and_the_other_is_told(
    doubt: Errand, people: dict[str, User], script: Script
) -> None:
    sue, sam = browser(people["sue"]), browser(people["sam"])
    first = {**opened(sue, doubt), "way": "happened"}
    second = {**opened(sam, doubt), "way": "did_not_happen"}

    settle(sue, doubt, first)
    told = settle(sam, doubt, second)
    drain()

    assert told.status_code == 409
    assert "has changed since you looked" in text(told)
    assert script.names.count("letter") == 1
    assert doubt.effect("letter").receipt == {"reference": "L-77"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"way": ""}, "choose one of those offered"),
        ({"way": "explode"}, "choose one of those offered"),
        ({"way": "retry"}, "choose one of those offered"),
        ({"receipt": "  "}, "say what proves it"),
        ({"reason": " "}, "say why"),
        ({"fence": "x"}, "is no number"),
        ({"fence": "999"}, "has changed since you looked"),
    ],
)
def test_a_forged_settling_does_nothing_and_says_why(
    doubt: Errand, people: dict[str, User], change: dict[str, str], told: str
) -> None:
    client = browser(people["sue"])

    answer = settle(client, doubt, {**opened(client, doubt), "way": "happened", **change})

    assert answer.status_code == 409
    assert told in text(answer)
    assert doubt.effect("letter").state == EffectState.IN_DOUBT


def test_without_the_right_it_is_denied_and_entered(doubt: Errand) -> None:
    auditor = User.objects.create_user("audrey", is_staff=True)
    auditor.groups.add(Group.objects.get(name="Workflow auditor"))
    client = browser(auditor)
    path = f"/admin/effects/{doubt.effect('letter').pk}/"

    assert client.get(path).status_code == 403
    assert client.post(path, {"way": "give_up", "fence": "2", "reason": "x"}).status_code == 403
    assert doubt.effect("letter").state == EffectState.IN_DOUBT
    assert Entry.objects.filter(action="denied", actor="audrey").count() == 2


def test_a_doubt_after_the_transition_is_the_verdict_of_the_record(
    ask: Ask,
    script: Script,
    people: dict[str, User],
) -> None:
    script.answers["letter"] = [Unknown(reason="connection lost")]
    errand = ask("send_letter")

    page = text(browser(people["sue"]).get(f"/admin/workflow/record/{errand.record_id}/change/"))

    assert 'class="verdict bad"' in page
    assert "is in doubt: it may have happened. connection lost" in page


def test_a_stuck_undo_is_a_cause_of_its_own_and_can_be_closed_by_force(
    ask: Ask,
    script: Script,
    people: dict[str, User],
) -> None:
    script.answers["pay"] = [Declined(reason="no cover")]
    script.answers["release"] = [Rejected(reason="ledger closed", code="closed")]
    errand = ask("all")
    client = browser(people["otto"])

    assert "not taken back" in text(client.get("/admin/attention/"))
    page = text(client.get(f"/admin/transitions/{errand.id}/force/"))
    assert "listed in the trail: reserve." in page
    answer = client.post(
        f"/admin/transitions/{errand.id}/force/",
        {"reason": "booked by hand", "fence": str(errand.envelope.fence)},
        follow=True,
    )
    drain()

    assert errand.envelope.state == State.REFUSED
    assert "Not undone: reserve" in errand.envelope.message
    assert "Closed by force" in text(answer)


def test_a_channel_is_paused_and_resumed_with_reason_and_end(
    ask: Ask,
    script: Script,
    people: dict[str, User],
) -> None:
    client = browser(people["otto"])
    client.post(
        "/admin/channels/",
        {"press": "pause", "what": "channel:feed", "reason": "migration", "minutes": "60"},
    )
    errand = ask("tell")

    html = text(client.get("/admin/channels/"))
    assert script.names == []
    assert "Paused until" in html
    assert "migration" in html
    page = text(client.get(f"/admin/workflow/transitionenvelope/{errand.id}/change/"))
    assert "Channel feed is paused: migration" in page
    assert "Goes on by itself at" in page

    client.post(
        "/admin/channels/", {"press": "lift", "what": "channel:feed", "reason": "migrated"}
    )
    drain()
    assert script.names == ["tell"]
    assert Pause.objects.get().lifted_at is not None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"what": "channel:nowhere"}, "no such channel"),
        ({"what": "planet:mars"}, "choose a channel"),
        ({"what": ""}, "choose a channel"),
        ({"reason": " "}, "say why"),
    ],
)
def test_a_faulty_pause_does_nothing_and_says_why(
    people: dict[str, User], change: dict[str, str], told: str
) -> None:
    data = {"press": "pause", "what": f"workflow:{ERRAND.name}", "reason": "x", **change}

    answer = browser(people["otto"]).post("/admin/channels/", data, follow=True)

    assert told in text(answer)
    assert not Pause.objects.exists()


def test_many_parked_calls_are_sent_again_in_bulk(
    ask: Ask,
    script: Script,
    people: dict[str, User],
) -> None:
    script.answers["tell"] = [Rejected(reason="moved", code="http_404")] * 3
    errands = [ask("tell") for _ in range(3)]
    client = browser(people["otto"])
    cause = "/admin/attention/errand/tell/tell/http_404/"
    response = client.post(cause, {"press": "retry", "reason": "moved back", "rate": "1000"})
    run = response.headers["Location"]
    for _ in range(3):
        html = text(client.get(run))
        found = re.search(r'name="allowed" value="(\d+)"', html)
        if found:
            client.post(run, {"press": "allow", "allowed": found[1]})
        client.post(run, {"press": "advance"})
    drain()

    assert [each.effect("tell").state for each in errands] == [EffectState.DONE] * 3
    assert text(client.get(run)).count('<span class="pill good">Done</span>') == 7
