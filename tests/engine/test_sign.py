"""E9: a transition that demands a signature gets one of just this request, by just this person."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest
from django.test import RequestFactory

from audit.models import Entry
from tests.audit.sealing import overwrite
from tests.engine.conftest import Ask, Make
from workflow.definition import InvalidRequest
from workflow.engine import clock, sign
from workflow.engine.answer import Accepted, Repeated
from workflow.engine.request import Request
from workflow.engine.submit import submit
from workflow.models import Origin, Record, Signature, TransitionEnvelope
from workflow.queries.signed import signed
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def ann(ann: User) -> User:
    ann.set_password(PASSWORD)
    ann.save()
    return ann


@pytest.fixture
def record(make: Make, ask: Ask) -> Record:
    record = make()
    ask(record, "open")
    drain()
    record.refresh_from_db()
    return record


def web() -> HttpRequest:
    return RequestFactory().post("/")


def wish(record: Record, user: User, **more: Any) -> Request:
    asked = {"transition": "sign_off", "payload": {"note": "read"}, **more}
    return Request(record=record.pk, user=user, origin=Origin.FORM, **asked)


def signed_wish(record: Record, user: User, **more: Any) -> Request:
    return sign.sign(
        request=wish(record, user, **more), password=PASSWORD, web=web(), now=clock.now()
    )


def test_what_is_signed_is_shown_first(record: Record, ann: User) -> None:
    request = wish(record, ann, reason="It was on my desk.")
    shown = sign.statement(request=request)
    assert shown is not None
    assert (shown.meaning, shown.printed_name) == ("I have read it.", "Ann Lee")
    assert (shown.record, shown.transition) == (record.reference, "Sign off")
    assert (shown.old, shown.new, shown.reason) == ("open", "open", "It was on my desk.")
    assert (shown.payload, shown.digest) == ({"note": "read"}, request.digest())
    assert sign.statement(request=wish(record, ann, transition="note")) is None


def test_it_is_stored_and_told_in_the_trail(record: Record, ann: User) -> None:
    request = signed_wish(record, ann)
    answer = submit(request=request, now=clock.now())
    assert isinstance(answer, Accepted)
    row = Signature.objects.get()
    assert (row.envelope_id, row.signer_id, row.printed_name) == (
        request.transition_id,
        ann.pk,
        "Ann Lee",
    )
    assert (row.meaning, row.method, row.digest) == (
        "I have read it.",
        "password",
        answer.envelope.digest,
    )
    entry = Entry.objects.get(transition_id=request.transition_id, action="requested")
    assert json.loads(entry.evidence)["signature"]["digest"] == request.digest()
    standing = signed(envelope=answer.envelope)
    assert standing is not None
    assert standing.void == ()


def test_sent_again_it_is_the_same_wish(record: Record, ann: User) -> None:
    request = signed_wish(record, ann)
    submit(request=request, now=clock.now())
    assert isinstance(submit(request=request, now=clock.now()), Repeated)
    late = clock.now() + timedelta(days=1)
    assert isinstance(submit(request=replace(request, signed=None), now=late), Repeated)
    assert Signature.objects.count() == 1


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda request: replace(request, signed=None), "has to be signed"),
        (lambda request: replace(request, payload={"note": "other"}), "for another request"),
        (lambda request: replace(request, reason="other"), "for another request"),
        (
            lambda request: replace(
                request, signed=replace(request.signed, meaning="I have not read it.")
            ),
            "had another meaning",
        ),
        (lambda request: replace(request, transition="note"), "is not asked for"),
    ],
)
def test_without_its_own_signature_nothing_is_written(
    record: Record, ann: User, spoil: Any, problem: str
) -> None:
    before = Entry.objects.count()
    with pytest.raises(InvalidRequest, match=problem):
        submit(request=spoil(signed_wish(record, ann)), now=clock.now())
    assert Entry.objects.count() == before
    assert not Signature.objects.exists()


def test_an_old_signature_is_refused(record: Record, ann: User) -> None:
    request = signed_wish(record, ann)
    late = clock.now() + sign.VALID + timedelta(seconds=5)
    with pytest.raises(InvalidRequest, match="sign again"):
        submit(request=request, now=late)


def test_another_persons_signature_is_refused(record: Record, ann: User, boss: User) -> None:
    request = replace(wish(record, boss), signed=signed_wish(record, ann).signed)
    with pytest.raises(InvalidRequest, match="for another request"):
        submit(request=request, now=clock.now())


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper()])
def test_a_wrong_password_signs_nothing(record: Record, ann: User, password: str) -> None:
    with pytest.raises(InvalidRequest, match="the password is not right"):
        sign.sign(request=wish(record, ann), password=password, web=web(), now=clock.now())


def test_too_many_wrong_ones_are_stopped_as_at_the_log_in(
    record: Record, ann: User, settings: Any
) -> None:
    if "axes.backends.AxesStandaloneBackend" not in settings.AUTHENTICATION_BACKENDS:
        pytest.skip("log-ins are not limited")
    for _ in range(settings.AXES_FAILURE_LIMIT):
        with pytest.raises(InvalidRequest, match="is not given"):
            sign.sign(request=wish(record, ann), password="no", web=web(), now=clock.now())
    with pytest.raises(InvalidRequest, match="too many were wrong"):
        signed_wish(record, ann)


def test_a_person_who_may_not_sign_in_may_not_sign(record: Record, ann: User) -> None:
    ann.is_active = False
    ann.save()
    with pytest.raises(InvalidRequest, match="the password is not right"):
        signed_wish(record, ann)


def test_nobody_signs_for_the_system(record: Record) -> None:
    with pytest.raises(InvalidRequest, match="a person signs"):
        sign.sign(request=wish(record, None), password="", web=web(), now=clock.now())  # type: ignore[arg-type]


def test_a_fresh_step_up_serves_and_an_old_one_does_not(record: Record, ann: User) -> None:
    now = clock.now()
    request = sign.sign_after_step_up(
        request=wish(record, ann), method="sso:mfa", authenticated_at=now, now=now
    )
    submit(request=request, now=now)
    assert Signature.objects.get().method == "sso:mfa"
    for authenticated_at in (now - timedelta(minutes=6), now + timedelta(minutes=1)):
        with pytest.raises(InvalidRequest, match="sign in again"):
            sign.sign_after_step_up(
                request=wish(record, ann),
                method="sso:mfa",
                authenticated_at=authenticated_at,
                now=now,
            )


@pytest.fixture
def envelope(record: Record, ann: User) -> TransitionEnvelope:
    answer = submit(request=signed_wish(record, ann), now=clock.now())
    assert isinstance(answer, Accepted)
    return answer.envelope


def voided(envelope: TransitionEnvelope) -> str:
    standing = signed(envelope=TransitionEnvelope.objects.get(pk=envelope.pk))
    assert standing is not None
    return " ".join(standing.void)


@pytest.mark.parametrize(
    ("name", "value"),
    [("payload", {"note": "other"}), ("reason", "other"), ("transition", "note")],
)
def test_changed_content_voids_it_visibly(
    envelope: TransitionEnvelope, name: str, value: object
) -> None:
    overwrite(envelope, **{name: value})
    assert f"The request's {name} is" in voided(envelope)


@pytest.mark.parametrize("name", ["printed_name", "meaning", "method", "signed_at"])
def test_a_changed_signature_is_void(envelope: TransitionEnvelope, name: str) -> None:
    row = Signature.objects.get()
    value = getattr(row, name)
    overwrite(row, **{name: value + timedelta(days=1) if name == "signed_at" else f"{value}x"})
    assert "The trail tells of it otherwise." in voided(envelope)


def test_changed_signed_content_is_void(envelope: TransitionEnvelope) -> None:
    row = Signature.objects.get()
    overwrite(row, content=row.content.replace("read", "ripe"))
    assert "has been altered" in voided(envelope)


@pytest.mark.parametrize("statement", ["UPDATE {} SET meaning = ''", "DELETE FROM {}"])
def test_the_database_keeps_it(envelope: TransitionEnvelope, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format("workflow_signature"))
    assert Signature.objects.count() == 1
