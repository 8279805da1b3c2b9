"""F9: the content security policy goes with every answer, and the pages can live with it."""

from __future__ import annotations

from contextlib import closing
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from config.security import POLICY, ContentSecurityPolicy

pytestmark = pytest.mark.django_db

OPEN = ["/accounts/login/", "/admin/login/", "/nowhere/", "/static/admin/css/base.css"]
CLOSED = [
    "/",
    "/declarations/",
    "/declarations/new",
    "/admin/",
    "/admin/audit/entry/",
    "/admin/workflow/record/",
    "/admin/workflow/transitionenvelope/",
    "/admin/declarations/declaration/",
    "/admin/auth/user/",
    "/admin/auth/user/add/",
    "/admin/password_change/",
]


def failing(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(request.path)


urlpatterns = [path("fail/", failing)]


class Inline(HTMLParser):
    """Collects what the policy would stop: scripts, styles and handlers within the page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_data = given.get("type") in ("application/json", "text/x-template")
        if (tag == "script" and "src" not in given and not is_data) or tag == "style":
            self.found.append(tag)
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.found.append(f"{tag} {name}={value}")
            if name in ("href", "src", "action") and value:
                self.links.append(value)


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.mark.parametrize("address", OPEN)
def test_it_goes_with_every_open_page(client: Client, address: str) -> None:
    with closing(client.get(address)) as answer:
        assert answer.headers["Content-Security-Policy"] == POLICY


@pytest.mark.parametrize("address", CLOSED)
def test_it_goes_with_every_page_behind_the_log_in(admin: Client, address: str) -> None:
    answer = admin.get(address)
    assert answer.status_code in (200, 302), answer.status_code
    assert answer.headers["Content-Security-Policy"] == POLICY


def test_it_goes_with_a_page_that_fails(client: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    client.raise_request_exception = False
    answer = client.get("/fail/")
    assert answer.status_code == 500
    assert answer.headers["Content-Security-Policy"] == POLICY


def test_nothing_inline_nothing_foreign_no_frames() -> None:
    rules = dict(rule.partition(" ")[::2] for rule in POLICY.split("; "))
    assert rules["default-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules["object-src"] == "'none'"
    assert rules["form-action"] == "'self'"
    assert rules["base-uri"] == "'self'"
    assert "script-src" not in rules, "scripts fall back to default-src"
    assert "unsafe" not in POLICY
    assert "http" not in POLICY


@pytest.mark.parametrize("address", [*OPEN[:3], *CLOSED])
def test_the_pages_can_live_with_it(admin: Client, address: str) -> None:
    answer = admin.get(address, follow=True)
    page = Inline()
    page.feed(answer.content.decode())
    assert page.found == []
    assert [link for link in page.links if "//" in link.partition("?")[0]] == []


def test_a_view_may_be_stricter() -> None:
    def strict(_: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"})

    answer = ContentSecurityPolicy(strict)(HttpRequest())
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"


@pytest.mark.parametrize("address", ["/accounts/login/", "/admin/login/"])
def test_no_page_may_be_framed_or_sniffed(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_plain_http_is_redirected_unless_asked_for(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/accounts/login/")
    assert (answer.status_code, answer.headers["Location"]) == (
        301,
        "https://testserver/accounts/login/",
    )
    assert client.get("/accounts/login/", secure=True).status_code == 200
