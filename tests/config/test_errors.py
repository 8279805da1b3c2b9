"""G2: whatever goes wrong before or behind the pages, its answer says what, and asks nobody."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from config import urls

STRANGER = {"host": "evil.example"}


def failing(error: Exception) -> Callable[[HttpRequest], HttpResponse]:
    def view(_: HttpRequest) -> HttpResponse:
        raise error

    return view


urlpatterns = [
    path("away/", failing(OperationalError("host db.internal"))),
    path("cut/", failing(InterfaceError("host db.internal"))),
    path("broken/", failing(RuntimeError("secret"))),
    path("api/away", failing(OperationalError("host db.internal"))),
    path("api/broken", failing(RuntimeError("secret"))),
    path("", include("config.urls")),
]
handler400 = urls.handler400
handler500 = urls.handler500


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def test_a_page_for_another_host_says_so(client: Client) -> None:
    told = client.get("/desk/", headers=STRANGER)
    assert told.status_code == 400
    assert "name in the address" in told.content.decode()


def test_the_api_for_another_host_is_a_problem(client: Client) -> None:
    told = client.get("/api/v1/records", headers=STRANGER)
    assert (told.status_code, told.headers["Content-Type"]) == (400, "application/problem+json")
    body = json.loads(told.content)
    assert (body["code"], body["correlation_id"]) == (
        "malformed_header",
        told.headers["X-Correlation-ID"],
    )


@pytest.mark.django_db
def test_a_form_without_its_token_is_told_what_to_do() -> None:
    told = Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": "ann"})
    assert told.status_code == 403
    assert "Load the page anew" in told.content.decode()
    assert "<style" not in told.content.decode(), "which the policy would stop"


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/health/live", "/health/ready"])
def test_machines_may_ask_by_any_name(client: Client, address: str) -> None:
    assert client.get(address, headers={"host": "192.0.2.7:8000"}).status_code == 200


@pytest.mark.django_db
def test_metrics_by_any_name_take_the_token(client: Client, settings: Settings) -> None:
    # Without one, a page of another name that leads here would be a neighbour's browser.
    assert client.get("/metrics", headers=STRANGER).status_code == 400
    settings.ESCAPEMENT = {**settings.ESCAPEMENT, "METRICS_TOKEN": "t"}
    assert client.get("/metrics", headers=STRANGER).status_code == 401
    told = client.get("/metrics", headers={"host": "192.0.2.7", "authorization": "Bearer t"})
    assert told.status_code == 200


@pytest.mark.urls(__name__)
class TestFailing:
    """No database is at hand: a page that asked it would fail the test."""

    @pytest.mark.parametrize("address", ["/away/", "/cut/"])
    def test_a_page_without_its_database_is_away_and_may_be_asked_again(
        self, client: Client, address: str
    ) -> None:
        told = client.get(address)
        assert (told.status_code, told.headers["Retry-After"]) == (503, "5")
        assert "The database does not answer." in told.content.decode()
        assert "db.internal" not in told.content.decode()

    def test_an_error_of_ours_names_the_word_to_look_for(self, client: Client) -> None:
        told = client.get("/broken/", headers={"x-correlation-id": "order-4711"})
        assert told.status_code == 500
        assert "order-4711" in told.content.decode()
        assert "secret" not in told.content.decode()

    @pytest.mark.parametrize(
        ("address", "status", "code"),
        [("/api/away", 503, "unavailable"), ("/api/broken", 500, "internal")],
    )
    def test_the_apis_is_a_problem(
        self, client: Client, address: str, status: int, code: str
    ) -> None:
        told = client.get(address)
        assert (told.status_code, json.loads(told.content)["code"]) == (status, code)
        assert told.headers["Content-Type"] == "application/problem+json"

    def test_it_is_said_in_the_language_of_the_reader(self, client: Client) -> None:
        told = client.get("/away/", headers={"accept-language": "nl"})
        assert "De database antwoordt niet." in told.content.decode()
