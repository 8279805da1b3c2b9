"""Mail over real SMTP, to servers that refuse, hang up and hang, at every point of the talk."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from tests.effects.calls import TRANSITION, call
from tests.effects.http.servers import Peer, Server, serving
from workflow.definition import Ask, Channel, Done, Postponed, Rejected, Result, Unknown
from workflow.effects.email import email, message_id, send_email

REQUEST = {"to": "Emma <emma@example.org>", "subject": "Approved", "body": "Grüße"}
OK = "250 OK"
SMTP = "django.core.mail.backends.smtp.EmailBackend"

Replies = dict[str, str | None]
"""What to say to each command; None: hang up."""

WAIT = "say nothing"


USUAL: Replies = {"": "220 hi", "EHLO": OK, "HELO": OK, "MAIL": OK, "RCPT": OK, "RSET": OK}
USUAL |= {"DATA": "354 go on", ".": OK, "QUIT": "221 bye", "AUTH": "235 in"}


def playing(replies: Replies, *, received: list[bytes] | None = None) -> Callable[[Peer], None]:
    said = USUAL | replies
    messages = [] if received is None else received

    def reply(peer: Peer, word: str) -> bool:
        told = said[word]
        if told == WAIT:
            peer.wait()
        elif told is not None:
            peer.sock.sendall(f"{told}\r\n".encode())
        return told is not None

    def script(peer: Peer) -> None:
        stream = peer.sock.makefile("rb")
        going = reply(peer, "")
        while going and (line := stream.readline()):
            word = line[:4].decode().strip().upper()
            going = reply(peer, word)
            if word == "DATA" and (said[word] or "").startswith("354"):
                body = b""
                while not body.endswith(b"\r\n.\r\n"):
                    body += stream.readline()
                messages.append(body)
                going = reply(peer, ".")

    return script


@contextmanager
def smtp(settings: Any, script: Callable[[Peer], None]) -> Iterator[Server]:
    with serving(script) as server:
        settings.EMAIL_BACKEND = SMTP
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = server.port
        settings.DEFAULT_FROM_EMAIL = "Finance <finance@example.org>"
        yield server


def test_a_mail_is_sent_with_an_id_that_follows_from_the_key(settings: Any) -> None:
    received: list[bytes] = []
    with smtp(settings, playing({}, received=received)):
        result = send_email(call(REQUEST, correlation_id="a\r\nBcc: x@example.org"))
        again = send_email(call(REQUEST, attempt=2))
    wanted = f"<{TRANSITION}.pay@example.org>"
    assert result == again == Done(receipt={"message_id": wanted, "to": REQUEST["to"]})
    assert len(received) == 2
    for each in received:
        assert f"Message-ID: {wanted}\r\n".encode() in each
        assert b"\r\nBcc" not in each
        assert b"Subject: Approved" in each


@pytest.mark.parametrize(
    ("replies", "expected", "code"),
    [
        ({"": None}, Postponed, "not_sent"),
        ({"": "421 too busy"}, Postponed, "not_sent"),
        ({"": "554 go away"}, Postponed, "not_sent"),
        ({"EHLO": None}, Postponed, "not_sent"),
        ({"EHLO": "500 what", "HELO": "500 what"}, Postponed, "not_sent"),
        ({"MAIL": "451 later"}, Postponed, "smtp_451"),
        ({"MAIL": "550 not you"}, Rejected, "smtp_550"),
        ({"RCPT": "450 greylisted"}, Postponed, "smtp_450"),
        ({"RCPT": "550 no such user"}, Rejected, "smtp_550"),
        ({"DATA": "451 later"}, Postponed, "smtp_451"),
        ({"DATA": "554 no"}, Rejected, "smtp_554"),
        ({".": "452 full"}, Postponed, "smtp_452"),
        ({".": "554 spam"}, Rejected, "smtp_554"),
        ({".": None}, Unknown, "no_answer"),
        ({"DATA": None}, Unknown, "no_answer"),
        ({"QUIT": None}, Done, ""),
        ({"QUIT": "500 never"}, Done, ""),
    ],
)
def test_what_the_server_makes_of_it(
    settings: Any, replies: Replies, expected: type[Result], code: str
) -> None:
    with smtp(settings, playing(replies)):
        result = send_email(call(REQUEST))
    assert type(result) is expected, result
    assert getattr(result, "code", "") == code


def test_a_server_that_is_not_there_was_not_reached(settings: Any) -> None:
    with smtp(settings, playing({})):
        pass
    result = send_email(call(REQUEST))
    assert isinstance(result, Postponed)
    assert "refused" in result.reason


@pytest.mark.parametrize(("code", "expected"), [(535, Rejected), (454, Postponed)])
def test_a_failed_login(settings: Any, code: int, expected: type[Result]) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "finance", "secret"
    replies: Replies = {"EHLO": "250-hi\r\n250 AUTH PLAIN", "AUTH": f"{code} no"}
    with smtp(settings, playing(replies)):
        result = send_email(call(REQUEST))
    assert type(result) is expected
    assert base64.b64encode(b"secret").decode() not in result.reason  # type: ignore[union-attr]


def test_silence_before_the_talk_is_not_a_doubt_and_after_the_message_it_is(settings: Any) -> None:
    def silent(peer: Peer) -> None:
        peer.wait()

    with smtp(settings, silent):
        assert isinstance(send_email(call(REQUEST, seconds=0.4)), Postponed)
    with smtp(settings, playing({".": WAIT})):
        assert isinstance(send_email(call(REQUEST, seconds=0.4)), Unknown)


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "nobody"},
        {"to": ["a@example.org", "b@example.org"]},
        {"to": None},
        {"to": "emma@example.org\nBcc: x@example.org"},
        {"subject": "a\nBcc: x@example.org"},
        {"sender": "x\r\ny@example.org"},
    ],
)
def test_a_mail_that_cannot_be_made_is_rejected_unsent(
    settings: Any, changes: dict[str, Any]
) -> None:
    received: list[bytes] = []
    with smtp(settings, playing({}, received=received)):
        result = send_email(call({**REQUEST, **changes}))
    assert isinstance(result, Rejected)
    assert received == []


@pytest.mark.parametrize("missing", ["to", "subject", "body"])
def test_a_mail_without_its_parts_is_rejected(missing: str) -> None:
    request = {name: value for name, value in REQUEST.items() if name != missing}
    result = send_email(call(request))
    assert isinstance(result, Rejected)
    assert missing in result.reason


def test_other_backends_serve_as_well(settings: Any, tmp_path: Path) -> None:
    html = {**REQUEST, "html": "<p>Approved</p>", "reply_to": "desk@example.org"}
    assert isinstance(send_email(call(html)), Done)  # Django's own of the test run
    assert mail.outbox[0].reply_to == ["desk@example.org"]
    assert len(mail.outbox[0].alternatives) == 1
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    assert isinstance(send_email(call(REQUEST)), Done)
    assert "Approved" in next(tmp_path.iterdir()).read_text()


def test_an_id_has_only_what_an_address_may_hold(settings: Any) -> None:
    settings.DEFAULT_FROM_EMAIL = "nobody"
    assert message_id("a:b c>d") == "<a.b.c.d@localhost>"


def test_the_recovery_is_to_be_declared() -> None:
    with pytest.raises(TypeError, match="recovery"):
        email(name="tell", channel=Channel(name="mail"), message=lambda _: None)  # type: ignore[call-arg]
    effect = email(
        name="tell", channel=Channel(name="mail"), message=lambda _: None, recovery=Ask()
    )
    assert effect.recovery == Ask()
