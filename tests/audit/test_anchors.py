"""Seals outside the database: each place gets each seal, and failures are written down."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from audit import anchored, anchors, keys
from audit.anchors import Anchor, AnchorFault, send_pending
from audit.keys import Key
from audit.models import Anchoring, Seal
from tests.audit.rows import NOW, make_chain
from tests.audit.sealing import erase, overwrite, sealed

pytestmark = pytest.mark.django_db


@pytest.fixture
def seals(key: Key) -> list[Seal]:
    made = []
    for _ in range(3):
        make_chain(1)
        made += sealed(key)
    return made


class Receiver(http.server.BaseHTTPRequestHandler):
    """A web hook that answers as it is told."""

    answers: list[int] = []
    got: list[str] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status = self.answers.pop(0) if self.answers else 204
        if status < 300:
            self.got.append(body)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    handler = type("Fresh", (Receiver,), {"answers": [], "got": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", handler
    server.shutdown()
    server.server_close()


def numbers(text: str) -> list[int]:
    return [json.loads(line)["number"] for line in text.splitlines()]


def test_a_file_gets_each_seal_once_and_can_be_compared(
    seals: list[Seal], key: Key, tmp_path: Path
) -> None:
    file = tmp_path / "seals.jsonl"
    place = Anchor(f"file://{file}")
    send_pending(anchor=place, now=NOW)
    assert send_pending(anchor=place, now=NOW) == []
    make_chain(1)
    sealed(key)
    send_pending(anchor=place, now=NOW)
    assert numbers(file.read_text()) == [1, 2, 3, 4]
    compared = anchored.compare(lines=file.read_text().splitlines(), trusted=keys.trusted())
    assert list(compared) == [None] * 4


def test_a_failure_is_entered_and_made_good_later(seals: list[Seal], tmp_path: Path) -> None:
    folder = tmp_path / "not yet"
    place = Anchor(f"file://{folder}/seals.jsonl")
    (failed,) = send_pending(anchor=place, now=NOW)
    assert (failed.succeeded, failed.seal_id) == (False, 1)
    assert "No such file" in Anchoring.objects.get().detail
    folder.mkdir()
    assert [each.seal_id for each in send_pending(anchor=place, now=NOW)] == [1, 2, 3]
    assert Anchoring.objects.filter(succeeded=True).count() == 3


@pytest.mark.parametrize("status", [400, 500, 302])
def test_a_web_hook_that_does_not_take_it_is_asked_again(
    seals: list[Seal], receiver: tuple[str, type[Receiver]], status: int
) -> None:
    address, handler = receiver
    handler.answers.append(status)
    (failed,) = send_pending(anchor=Anchor(address), now=NOW)
    assert not failed.succeeded
    assert str(status) in failed.detail
    send_pending(anchor=Anchor(address), now=NOW)
    assert [numbers(body) for body in handler.got] == [[1, 2, 3]]


def test_nobody_there_is_a_failure_too(seals: list[Seal]) -> None:
    (failed,) = send_pending(anchor=Anchor("http://127.0.0.1:9/"), now=NOW)
    assert "refused" in failed.detail.lower()


def test_a_message_carries_the_seals(seals: list[Seal]) -> None:
    send_pending(anchor=Anchor("mailto:auditor@example.org"), now=NOW)
    (message,) = mail.outbox
    assert message.to == ["auditor@example.org"]
    assert message.subject == "Seals 1 to 3 of the audit trail"
    lines = [line for line in message.body.splitlines() if line.startswith("{")]
    assert list(anchored.compare(lines=lines, trusted=keys.trusted())) == [None] * 3


def test_a_mail_server_that_is_not_there_is_a_failure(seals: list[Seal], settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    (failed,) = send_pending(anchor=Anchor("mailto:auditor@example.org"), now=NOW)
    assert not failed.succeeded


def test_standard_output(seals: list[Seal], capsys: pytest.CaptureFixture[str]) -> None:
    send_pending(anchor=Anchor("stdout:"), now=NOW)
    assert numbers(capsys.readouterr().out) == [1, 2, 3]


def test_each_place_is_sent_what_it_lacks(seals: list[Seal], tmp_path: Path) -> None:
    one, two = (Anchor(f"file://{tmp_path}/{name}") for name in ("one", "two"))
    send_pending(anchor=one, now=NOW, limit=2)
    send_pending(anchor=two, now=NOW)
    send_pending(anchor=one, now=NOW)
    assert numbers((tmp_path / "one").read_text()) == [1, 2, 3]
    assert numbers((tmp_path / "two").read_text()) == [1, 2, 3]


def test_credentials_are_not_recorded(seals: list[Seal]) -> None:
    place = Anchor("https://user:secret@hook.example:8443/take?token=secret")
    assert place.name == "https://hook.example:8443/take"


@pytest.mark.parametrize(
    "address", ["", "seals.jsonl", "ftp://host/x", "file://host/x", "mailto:nobody", "https://"]
)
def test_an_unusable_address_is_told_at_once(address: str, settings: Any) -> None:
    settings.AUDIT = {"ANCHORS": [address]}
    with pytest.raises(AnchorFault, match="cannot be used; give the address of a file"):
        anchors.of_settings()


class TestComparing:
    def lines(self) -> list[str]:
        return [anchored.line(seal) for seal in Seal.objects.all()]

    def test_a_lost_seal(self, seals: list[Seal]) -> None:
        lines = self.lines()
        from audit.models import SealedHead

        erase(SealedHead.objects.get(seal=3))
        erase(seals[2])
        *fine, fault = anchored.compare(lines=lines, trusted=keys.trusted())
        assert fine == [None, None]
        assert fault is not None
        assert "seal 3" in fault.message
        assert "has been cut off" in fault.message

    def test_another_seal(self, seals: list[Seal]) -> None:
        lines = self.lines()
        overwrite(seals[1], digest="0" * 64)
        faults = list(anchored.compare(lines=lines, trusted=keys.trusted()))
        assert "is not the one that was anchored" in str(faults[1])

    @pytest.mark.parametrize("line", ["{", "[]", "{}", '{"number": 1}'])
    def test_what_is_no_seal(self, seals: list[Seal], line: str) -> None:
        with pytest.raises(ValueError, match="line 4 is no seal"):
            list(anchored.compare(lines=[*self.lines(), line], trusted=keys.trusted()))

    def test_a_forged_anchor(self, seals: list[Seal], successor: Key) -> None:
        line = self.lines()[0].replace('"heads":1', '"heads":2')
        with pytest.raises(ValueError, match="is not signed with a trusted key"):
            list(anchored.compare(lines=[line], trusted=keys.trusted()))
        with pytest.raises(ValueError, match="is not signed with a trusted key"):
            list(anchored.compare(lines=self.lines(), trusted=[successor.public]))
