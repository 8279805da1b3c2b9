"""L6: log-ins are throttled by name and address; people who come by OpenID are who they say."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from config.proxies import client_address

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", password="correct horse")


def sign_in(password: str, name: str = "ann", address: str = "198.51.100.1") -> int:
    sent = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post(LOGIN, sent).status_code


def test_the_fifth_failure_locks_even_the_right_password_out(ann: User) -> None:
    assert [sign_in("wrong") for _ in range(4)] == [200] * 4
    assert sign_in("wrong") == 429
    assert sign_in("correct horse") == 429
    sent = {"username": "ann", "password": "correct horse"}
    page = Client(REMOTE_ADDR="198.51.100.1").post(LOGIN, sent).content.decode()
    assert "Wait before you sign in" in page


def test_others_at_that_address_and_the_same_elsewhere_are_let_in(ann: User) -> None:
    User.objects.create_user("bob", password="battery staple")
    for _ in range(6):
        sign_in("wrong")
    assert sign_in("battery staple", "bob") == 302
    assert sign_in("correct horse", address="198.51.100.2") == 302


def test_success_forgets_failures(ann: User) -> None:
    for _ in range(4):
        sign_in("wrong")
    assert sign_in("correct horse") == 302
    assert not AccessAttempt.objects.exists()
    assert [sign_in("wrong") for _ in range(4)] == [200] * 4


def test_the_admins_door_is_the_same(ann: User) -> None:
    sent = {"username": "ann", "password": "wrong"}
    client = Client(REMOTE_ADDR="198.51.100.1")
    assert [client.post("/admin/login/", sent).status_code for _ in range(5)][-1] == 429
    assert sign_in("correct horse") == 429


def test_no_name_gets_into_the_log(ann: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(6):
            sign_in("wrong", address="198.51.100.87")
    told = " ".join(record.getMessage() for record in caplog.records)
    assert "failure" in told
    assert "198.51.100.87" not in told
    assert "'ann'" not in told
    assert '"ann"' not in told


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, "", "198.51.100.9"),
        (0, "6.6.6.6", "198.51.100.9"),  # a caller may write what it likes
        (1, "1.2.3.4", "1.2.3.4"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 198.51.100.8", "1.2.3.4"),
        (2, "1.2.3.4", "1.2.3.4"),
        (1, "", "198.51.100.9"),
    ],
)
def test_an_address_is_believed_as_far_as_our_proxies_vouch_for_it(
    settings: Any, proxies: int, forwarded: str, found: str
) -> None:
    settings.PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="198.51.100.9")
    assert client_address(request) == found


@pytest.mark.parametrize(
    ("claims", "is_known"),
    [
        ({"email": "a@b.example", "email_verified": True}, True),
        ({"email": "a@b.example", "email_verified": False}, False),
        ({"email": "a@b.example", "email_verified": "true"}, False),
        ({"email": "a@b.example"}, False),
        ({"email_verified": True}, False),
        ({}, False),
    ],
)
def test_only_a_verified_address_names_a_person(
    settings: Any, claims: dict[str, Any], is_known: bool
) -> None:
    settings.OIDC_OP_TOKEN_ENDPOINT = settings.OIDC_OP_USER_ENDPOINT = "https://op.example"
    settings.OIDC_OP_JWKS_ENDPOINT = "https://op.example"
    settings.OIDC_RP_CLIENT_ID = settings.OIDC_RP_CLIENT_SECRET = "x"
    settings.OIDC_RP_SIGN_ALGO = "RS256"
    from config.oidc import VerifiedEmail

    assert VerifiedEmail().verify_claims(claims) is is_known


def test_openid_is_not_offered_unless_it_is_configured() -> None:
    assert "organisation" not in Client().get(LOGIN).content.decode()
