"""E9 over HTTP: what the forms ask of a signer, the API asks too; and drawings as SVG."""

from __future__ import annotations

import uuid
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.api.conftest import Api, Caller, at, problem, written
from tests.effects.conftest import Make
from workflow.models import Record, Signature, TransitionEnvelope
from workflow.testing.drain import drain

MEANING = "I have read it."
PASSWORD = "secret-of-ann"


@pytest.fixture
def opened(api: Api, probe_record: Record) -> Record:
    api.ask(probe_record)
    drain()
    return probe_record


@pytest.fixture
def person(ann: User) -> Client:
    """Ann with a session, as her browser has one."""
    ann.set_password(PASSWORD)
    ann.save()
    client = Client()
    client.force_login(ann)
    return client


def sign_off(client: Client, record: Record, key: str = "", **signature: Any) -> Any:
    body: dict[str, Any] = {"transition": "sign_off", "payload": {"note": "x"}}
    if signature:
        body["signature"] = {"password": PASSWORD, "meaning": MEANING, **signature}
    return client.post(
        at(f"records/{record.pk}/transitions"),
        body,
        content_type="application/json",
        headers={"Idempotency-Key": key or str(uuid.uuid4())},
    )


def test_who_signs_is_bound_to_the_request(person: Client, opened: Record, ann: User) -> None:
    key = str(uuid.uuid4())

    assert sign_off(person, opened, key, password=PASSWORD).status_code == 202

    signature = Signature.objects.get()
    assert (signature.signer_id, signature.meaning) == (ann.pk, MEANING)
    assert signature.digest == TransitionEnvelope.objects.get(pk=key).digest
    again = sign_off(person, opened, key)
    assert again.headers["Idempotency-Replayed"] == "true", "a repeat need not be signed again"
    assert Signature.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "signature_required"),
        ({"password": "wrong"}, "signature_refused"),
        ({"meaning": "Whatever."}, "signature_refused"),
        ({"meaning": ""}, "signature_refused"),
    ],
)
def test_what_is_not_signed_well_is_not_written(
    person: Client, opened: Record, given: dict[str, str], code: str
) -> None:
    before = written()

    told = problem(sign_off(person, opened, **given), 403, code)

    assert written() == before
    assert PASSWORD not in str(told)


def test_a_key_cannot_sign(api: Api, opened: Record, person: Client) -> None:
    before = written()
    body = {"transition": "sign_off", "payload": {"note": "x"}}
    signed = {**body, "signature": {"password": PASSWORD, "meaning": MEANING}}
    for sent in (body, signed):
        answer = api.post(
            f"records/{opened.pk}/transitions", sent, **{"Idempotency-Key": str(uuid.uuid4())}
        )
        problem(answer, 403, "signature_required")
    many = {"requests": [{**signed, "id": str(uuid.uuid4()), "record": str(opened.pk)}]}
    problem(api.post("transitions/bulk", many), 403, "signature_required")
    assert written() == before


def test_it_is_told_which_have_to_be_signed(api: Api) -> None:
    told = api.get("workflows/probe").json()["transitions"]
    assert {each["name"]: each["signature"] for each in told if each["signature"]} == {
        "sign_off": MEANING
    }


class TestDrawings:
    def test_a_workflow_is_drawn_as_the_pages_draw_it(self, api: Api) -> None:
        answer = api.get("workflows/probe/diagram.svg")

        assert answer.headers["Content-Type"] == "image/svg+xml"
        root = ElementTree.fromstring(answer.content)
        texts = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
        assert texts == {"New", "Open", "Done"}
        assert b"style" not in answer.content

    def test_a_records_way_is_in_it_and_its_text_is_text(self, api: Api, opened: Record) -> None:
        Record.objects.filter(pk=opened.pk).update(reference="<script>&")

        drawn = api.get(f"records/{opened.pk}/diagram.svg").content.decode()

        assert "&lt;script&gt;&amp;: Open" in drawn
        assert "New → Open" in drawn
        ElementTree.fromstring(drawn)

    def test_what_is_not_there_or_not_theirs_is_a_problem(
        self, api: Api, keyed: Caller, make: Make
    ) -> None:
        problem(api.get("workflows/gone/diagram.svg"), 404, "not_found")
        problem(api.get(f"records/{uuid.uuid4()}/diagram.svg"), 404, "not_found")
        stranger = keyed(User.objects.create_user("stranger"))
        assert stranger.get(f"records/{make().pk}/diagram.svg").status_code == 404
