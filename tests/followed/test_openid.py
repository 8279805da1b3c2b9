"""Signing in by OpenID Connect against a provider in a process of its own, over HTTP.

The provider is `oidc-provider-mock`: a small one that is made for tests. It asks for no password
and lets one choose who one is; all the rest of the protocol (authorization code, state, nonce,
signed id token, key set, user info) is the real one.
"""

from __future__ import annotations

import http.cookiejar
import json
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from tests.crash.polling import until
from tests.followed.conftest import Web

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PEOPLE = (
    {"sub": "dora", "email": "dora@b.example", "email_verified": True},
    {"sub": "eve", "email": "dora@b.example", "email_verified": False},
    {"sub": "fay", "email": "fay@b.example", "email_verified": True},
)
"""Known and verified; one who wrote the same address into her profile; one not known here."""


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    people = [word for each in PEOPLE for word in ("--user-claims", json.dumps(each))]
    line = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *people]
    with (tmp_path / "provider.log").open("wb") as log:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(f"{address}/.well-known/openid-configuration"), seconds=30,
              what="provider ready")  # fmt: skip
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


Serve = Callable[..., str]


@pytest.fixture
def serve(web: Callable[..., Web], provider: str) -> Serve:
    """Start the site with the provider's addresses, as its discovery document has them."""
    with urllib.request.urlopen(f"{provider}/.well-known/openid-configuration") as answer:
        told = json.load(answer)

    def serve(**more: object) -> str:
        return web(
            OIDC_CLIENT_ID="escapement",
            OIDC_CLIENT_SECRET="not a secret of anybody",
            OIDC_AUTHORIZATION_URL=told["authorization_endpoint"],
            OIDC_TOKEN_URL=told["token_endpoint"],
            OIDC_USER_URL=told["userinfo_endpoint"],
            OIDC_KEYS_URL=told["jwks_uri"],
            **more,
        ).url

    return serve


@pytest.fixture
def site(serve: Serve) -> str:
    """This provider's tokens name no key; it has one."""
    return serve(OIDC_KEY_IDS="off")


class Browser:
    """Follows redirects and keeps cookies, as a browser does."""

    def __init__(self, site: str) -> None:
        self.site = site
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)

    def open(self, address: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """Return where one ends up, and what is there."""
        data = None if form is None else urllib.parse.urlencode(form).encode()
        try:
            with self.opener.open(address, data, timeout=30) as answer:
                return answer.url, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.url, error.read().decode()

    def sign_in_as(self, person: str) -> tuple[str, str]:
        at_provider, page = self.open(f"{self.site}/oidc/authenticate/?next=/desk/")
        assert not at_provider.startswith(self.site), page
        return self.open(at_provider, {"sub": person})

    @property
    def is_known(self) -> bool:
        where, _ = self.open(f"{self.site}/desk/")
        return urllib.parse.urlsplit(where).path == "/desk/"


def test_who_is_known_by_a_verified_address_is_let_in(site: str) -> None:
    User.objects.create_user("dora", first_name="Dora", last_name="Po", email="dora@b.example")
    browser = Browser(site)
    assert not browser.is_known
    _, login = browser.open(f"{site}/accounts/login/?next=/desk/")
    assert re.search(r'href="/oidc/authenticate/\?next=', login)

    where, page = browser.sign_in_as("dora")

    assert urllib.parse.urlsplit(where).path == "/desk/", page[:2000]
    assert "Dora Po" in page
    assert browser.is_known


def test_who_is_not_known_or_not_verified_is_not(site: str) -> None:
    User.objects.create_user("dora", email="dora@b.example")
    for person in ("eve", "fay"):
        browser = Browser(site)

        where, page = browser.sign_in_as(person)

        assert urllib.parse.urlsplit(where).path == "/accounts/login/", page[:2000]
        assert not browser.is_known
    assert User.objects.count() == 1, "nobody was made"


def test_a_token_that_names_no_key_is_turned_away_where_it_should(serve: Serve) -> None:
    User.objects.create_user("dora", email="dora@b.example")
    browser = Browser(serve())

    where, page = browser.sign_in_as("dora")

    assert urllib.parse.urlsplit(where).path == "/accounts/login/", page[:2000]
    assert not browser.is_known


def test_an_answer_that_nobody_asked_for_lets_nobody_in(site: str, provider: str) -> None:
    """One lures another's browser to an answer of one's own: the state is not that of theirs."""
    User.objects.create_user("dora", email="dora@b.example")
    attacker, victim = Browser(site), Browser(site)
    at_provider, _ = attacker.open(f"{site}/oidc/authenticate/")
    stranger = urllib.request.build_opener(_Stay())
    with pytest.raises(urllib.error.HTTPError) as sent:
        stranger.open(at_provider, urllib.parse.urlencode({"sub": "dora"}).encode(), timeout=30)
    answer = sent.value.headers["Location"]
    sent.value.close()
    assert answer.startswith(f"{site}/oidc/callback/?")

    victim.open(answer)

    assert not victim.is_known


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing."""

    def redirect_request(self, *_: object) -> None:
        return None
