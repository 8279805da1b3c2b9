"""Signed webhooks: what is signed, who may be believed, and what a receiver does twice."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.effects.calls import call
from tests.effects.http.servers import Peer, answering, serving
from workflow.definition import Channel, Context, Done, Rejected, Resend, Unknown
from workflow.effects.webhook import (
    BadSignature,
    UnusableSecret,
    send_webhook,
    sign,
    verify,
    webhook,
)

# The example that the scheme's documents and libraries are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime.fromtimestamp(TIMESTAMP, UTC)
OTHER = "whsec_" + base64.b64encode(b"x" * 32).decode()


def headers(signature: str = SIGNATURE, timestamp: object = TIMESTAMP) -> dict[str, str]:
    return {
        "Webhook-Id": ID,
        "webhook-timestamp": str(timestamp),
        "WEBHOOK-SIGNATURE": signature,
    }


def test_the_published_example_is_signed_as_published() -> None:
    assert sign(secrets=[SECRET], id=ID, timestamp=TIMESTAMP, body=BODY) == SIGNATURE


def test_it_is_the_hmac_of_id_timestamp_and_body() -> None:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{ID}.{TIMESTAMP}.".encode() + BODY
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert f"v1,{expected}" == SIGNATURE


def test_what_is_signed_can_be_verified() -> None:
    assert verify(secrets=[SECRET], headers=headers(), body=BODY, now=NOW) == ID


def test_a_secret_is_changed_without_a_gap() -> None:
    both = sign(secrets=[OTHER, SECRET], id=ID, timestamp=TIMESTAMP, body=BODY)
    assert len(both.split(" ")) == 2
    for known in ([SECRET], [OTHER], [SECRET, OTHER]):
        assert verify(secrets=known, headers=headers(both), body=BODY, now=NOW) == ID
    # A receiver that has the new one already takes what is signed with the old one alone.
    assert verify(secrets=[OTHER, SECRET], headers=headers(), body=BODY, now=NOW) == ID


@pytest.mark.parametrize(
    ("given", "body", "now"),
    [
        (headers(), BODY + b" ", NOW),
        (headers(timestamp=TIMESTAMP + 1), BODY, NOW),
        (headers("v1,AAAA"), BODY, NOW),
        (headers("v2," + SIGNATURE[3:]), BODY, NOW),
        (headers(SIGNATURE[3:]), BODY, NOW),
        (headers(""), BODY, NOW),
        (headers("v1,é"), BODY, NOW),
        (headers(timestamp="soon"), BODY, NOW),
        ({}, BODY, NOW),
        ({**headers(), "Webhook-Id": "msg_other"}, BODY, NOW),
        (headers(), BODY, NOW + timedelta(minutes=5, seconds=1)),
        (headers(), BODY, NOW - timedelta(minutes=5, seconds=1)),
    ],
)
def test_what_is_not_signed_so_is_not_believed(
    given: dict[str, str], body: bytes, now: datetime
) -> None:
    with pytest.raises(BadSignature):
        verify(secrets=[SECRET], headers=given, body=body, now=now)


def test_another_secret_is_not_believed() -> None:
    with pytest.raises(BadSignature):
        verify(secrets=[OTHER], headers=headers(), body=BODY, now=NOW)


@pytest.mark.parametrize(
    "secrets",
    [
        [],
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        ["whsec_"],
        ["whsec_!!!"],
        ["whsec_" + base64.b64encode(b"short").decode()],
        ["whsec_" + base64.b64encode(b"x" * 65).decode()],
    ],
)
def test_a_weak_or_broken_secret_is_found_at_start_and_not_shown(secrets: Any) -> None:
    with pytest.raises(UnusableSecret) as caught:
        send_webhook(url="http://x.invalid/", secrets=secrets)
    assert "MfKQ" not in str(caught.value)
    assert "!!!" not in str(caught.value)


def test_an_attempt_is_signed_and_a_receiver_recognises_its_repetition() -> None:
    ids = []

    def receive(peer: Peer) -> None:
        while got := peer.request():
            head, _, body = got.partition(b"\r\n\r\n")
            lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
            found = {line[0]: line[1] for line in lines}
            ids.append(verify(secrets=[SECRET], headers=found, body=body, now=datetime.now(UTC)))
            assert abs(int(found["webhook-timestamp"]) - time.time()) < 30
            assert json.loads(body) == {"amount": "42.00", "to": "é"}
            assert found["Content-Type"] == "application/json"
            assert found["Idempotency-Key"] == ids[0]
            peer.answer("204 No Content", b"", None)

    request = {"amount": "42.00", "to": "é"}
    with serving(receive) as server:
        send = send_webhook(url=server.url, secrets=[OTHER, SECRET])
        assert isinstance(send(call(request)), Done)
        send = send_webhook(url=lambda _: server.url, secrets=[SECRET])
        assert isinstance(send(call(request, attempt=2)), Done)
    assert ids == [call().key] * 2


def test_any_success_will_do_and_the_rest_is_classified() -> None:
    with serving(answering("200 OK", b"thanks", "text/plain")) as server:
        assert isinstance(send_webhook(url=server.url, secrets=[SECRET])(call()), Done)
    with serving(answering("410 Gone")) as server:
        assert isinstance(send_webhook(url=server.url, secrets=[SECRET])(call()), Rejected)
    with serving(Peer.request) as server:  # type: ignore[arg-type]
        assert isinstance(send_webhook(url=server.url, secrets=[SECRET])(call()), Unknown)


def test_an_effect_in_one_line() -> None:
    def tell(context: Context[object]) -> dict[str, Any]:
        return {"status": context.target}

    effect = webhook(
        name="tell_hr",
        channel=Channel(name="hr"),
        url="https://hr.example/hooks",
        secrets=[SECRET],
        request=tell,
    )
    assert effect.recovery == Resend()
    assert SECRET not in repr(effect)
