"""A call-back that its effect wants signed: nothing else opens, and nothing else is needed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.api.conftest import Api, at, problem, written
from tests.effects.conftest import Make
from tests.effects.errand import SECRET, Script
from workflow.definition import Pending
from workflow.effects.webhook import sign
from workflow.engine import clock
from workflow.models import EffectEntry
from workflow.testing.drain import drain

OTHER = "whsec_" + "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGU="
BODY = json.dumps({"number": 7}).encode()


@pytest.fixture
def key(api: Api, make: Make, script: Script) -> str:
    script.answers["signed"] = [Pending()]
    asked = api.ask(make(), "signed").json()
    drain()
    return f"{asked['id']}:signed"


def headers(
    body: bytes = BODY, *, secret: str = SECRET, age: timedelta = timedelta(0), **changes: str
) -> dict[str, str]:
    at_second = int((clock.now() - age).timestamp())
    signature = sign(secrets=[secret], id="m-1", timestamp=at_second, body=body)
    return {
        "webhook-id": "m-1",
        "webhook-timestamp": str(at_second),
        "webhook-signature": signature,
        **changes,
    }


def post(key: str, told: dict[str, str], body: bytes = BODY) -> Any:
    """Report as a downstream does: no cookie, no API key."""
    return Client().post(
        at(f"call-backs/{key}"), body, content_type="application/json", headers=told
    )


def test_a_signature_is_all_it_takes_and_repeats_are_harmless(key: str) -> None:
    assert post(key, headers()).json() == {"key": key, "state": "done", "is_repeat": False}
    assert post(key, headers()).json()["is_repeat"] is True
    effect = EffectEntry.objects.get()
    assert effect.receipt == {"number": 7}
    last = effect.attempt_set.order_by("-fence").first()
    assert last is not None
    assert (last.kind, last.worker) == ("call_back", "feed")


def test_while_a_secret_is_changed_either_signature_will_do(key: str) -> None:
    both = headers()
    old = headers(secret=OTHER)["webhook-signature"]
    both["webhook-signature"] = f"{old} {both['webhook-signature']}"
    assert post(key, both).status_code == 200


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(lambda: headers(secret=OTHER), id="another secret"),
        pytest.param(lambda: headers(b'{"number": 8}'), id="another body"),
        pytest.param(lambda: headers(**{"webhook-id": "m-2"}), id="another id"),
        pytest.param(lambda: headers(age=timedelta(minutes=6)), id="too old"),
        pytest.param(lambda: headers(age=-timedelta(minutes=6)), id="from the future"),
        pytest.param(lambda: headers(**{"webhook-timestamp": "soon"}), id="no time"),
        pytest.param(lambda: headers(**{"webhook-signature": "v1,"}), id="empty"),
        pytest.param(lambda: {"webhook-signature": "v1,x"}, id="nothing but a signature"),
    ],
)
def test_what_is_not_signed_well_changes_nothing(key: str, told: Any) -> None:
    before = (written(), EffectEntry.objects.values().get())

    answer = post(key, told())

    problem(answer, 401, "bad_signature")
    assert (written(), EffectEntry.objects.values().get()) == before


def test_an_api_key_does_not_stand_in_for_the_signature(api: Api, key: str) -> None:
    before = EffectEntry.objects.values().get()
    problem(api.post(f"call-backs/{key}", {"number": 7}), 401, "bad_signature")
    problem(post(key, {}), 401, "not_authenticated")
    assert EffectEntry.objects.values().get() == before


def test_a_signature_opens_nothing_else(api: Api, make: Make, script: Script, key: str) -> None:
    script.answers["notify"] = [Pending()]
    asked = api.ask(make(), "notify").json()
    drain()
    for other in (f"{asked['id']}:notify", "0" * 32 + ":signed"):
        problem(post(other, headers()), 401, "not_authenticated")
    answer = Client().get(at("effects"), headers=headers())
    problem(answer, 401, "not_authenticated")
