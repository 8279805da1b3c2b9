"""The form pages: one form is one wish, refusals are shown, and only who may see sees."""

from __future__ import annotations

import re
import time
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from audit.models import Entry
from tests.workflow.examples.conftest import Draft, Person
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.pages import ask as asking
from workflow.examples.declarations.statuses import Status
from workflow.models import Record, State, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work whenever the page waits for the outcome."""
    monkeypatch.setattr(time, "sleep", lambda _: drain())


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response: HttpResponse) -> str:
    return response.content.decode()


def page(client: Client, declaration: Declaration) -> str:
    response = client.get(reverse("declarations:show", args=[declaration.pk]))
    assert response.status_code == 200
    return text(response)


def filled(html: str, transition: str, **fields: str) -> dict[str, str]:
    """Return the hidden fields of a transition's form on the page, and what is filled in."""
    form = next(
        form
        for form in re.findall(r"<form class=\"card\".*?</form>", html, re.DOTALL)
        if f'value="{transition}"' in form
    )
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    hidden.pop("csrfmiddlewaretoken", None)
    return {**hidden, **fields}


def send(client: Client, declaration: Declaration, data: dict[str, str]) -> Any:
    return client.post(reverse("declarations:ask", args=[declaration.pk]), data, follow=True)


def test_pages_ask_to_sign_in_first() -> None:
    response = Client().get("/declarations/")

    assert response.headers["Location"] == "/accounts/login/?next=/declarations/"
    assert "Sign in" in text(Client().get("/accounts/login/"))


def test_a_new_declaration_is_a_draft_and_sending_its_form_twice_makes_one(
    employee: User,
) -> None:
    client = browser(employee)
    form = text(client.get("/declarations/new"))
    data = {
        "draft": re.search(r'name="draft" value="([^"]+)"', form)[1],  # type: ignore[index]
        "purpose": "Conference in Ghent",
        "amount": "120.50",
        "expense_date": "2026-01-05",
        "receipts": "2",
        "budget_number": "",
    }

    first = client.post("/declarations/new", data, follow=True)
    second = client.post("/declarations/new", data, follow=True)

    declaration = Declaration.objects.get()
    assert (declaration.status, declaration.amount) == (Status.DRAFT, Decimal("120.50"))
    assert declaration.claimant == employee
    assert "is made" in text(first)
    assert "counts once" in text(second)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("amount", "0", "greater than or equal to 0.01"),
        ("amount", "much", "Enter a number"),
        ("purpose", "", "This field is required"),
        ("expense_date", "yesterday", "Enter a valid date"),
        ("draft", "no uuid", "has lost its number"),
    ],
)
def test_a_faulty_new_declaration_is_shown_again_with_its_faults(
    employee: User, field: str, value: str, told: str
) -> None:
    data = {
        "draft": str(uuid.uuid4()),
        "purpose": "Conference",
        "amount": "1.00",
        "expense_date": "2026-01-05",
        "receipts": "0",
        field: value,
    }

    response = browser(employee).post("/declarations/new", data)

    assert response.status_code == 422
    assert told in text(response)
    assert not Declaration.objects.exists()


def test_asking_moves_the_declaration_and_says_so(draft: Draft, employee: User) -> None:
    declaration, client = draft(), browser(employee)

    response = send(client, declaration, filled(page(client, declaration), "submit", receipts="3"))

    told = text(response)
    assert "Submit: done. It is now “Submitted by employee”." in told
    assert "Draft → Submitted by employee" in told
    assert Declaration.objects.get().receipts == 3
    envelope = TransitionEnvelope.objects.get()
    assert (envelope.origin, envelope.actor) == ("form", employee)
    assert re.search(r"\d\d:\d\d:\d\d UTC", told)


def test_a_form_sent_twice_is_one_transition(draft: Draft, employee: User) -> None:
    declaration, client = draft(), browser(employee)
    data = filled(page(client, declaration), "submit")

    send(client, declaration, data)
    second = send(client, declaration, data)

    assert "This was sent before and counts once. Submit: done." in text(second)
    assert TransitionEnvelope.objects.count() == 1
    assert Record.objects.get().version == 1
    assert Entry.objects.filter(action="repeated").count() == 1


def test_the_same_form_with_other_content_is_a_conflict(draft: Draft, employee: User) -> None:
    declaration, client = draft(), browser(employee)
    data = filled(page(client, declaration), "submit")
    send(client, declaration, data)

    second = send(client, declaration, {**data, "amount": "9999.00"})

    assert "was sent before with other content, which stands" in text(second)
    assert Declaration.objects.get().amount == Decimal("42.00")


def test_every_reason_of_a_refusal_is_shown(draft: Draft, employee: User, person: Person) -> None:
    declaration = draft(amount=Decimal(3000), receipts=0)
    client = browser(employee)
    send(client, declaration, filled(page(client, declaration), "submit"))
    supervisor = browser(person("SUPERVISOR"))

    response = send(
        supervisor, declaration, filled(page(supervisor, declaration), "approve_final")
    )

    told = text(response)
    assert "Approve for payment: refused." in told
    assert told.count("No receipt is attached; attach one and submit again.") == 2
    assert told.count("Over 2500 EUR, others have to approve first") == 2
    assert Record.objects.get().status == Status.SUBMITTED


def test_nobody_decides_about_a_version_that_they_have_not_seen(
    draft: Draft, employee: User, person: Person
) -> None:
    declaration, client = draft(), browser(employee)
    send(client, declaration, filled(page(client, declaration), "submit"))
    supervisor = browser(person("SUPERVISOR"))
    seen = filled(page(supervisor, declaration), "approve_final")
    send(client, declaration, filled(page(client, declaration), "take_back"))
    send(client, declaration, filled(page(client, declaration), "submit", amount="2000"))

    response = send(supervisor, declaration, seen)

    assert "has changed since" in text(response)
    assert Record.objects.get().status == Status.SUBMITTED


def test_a_missing_reason_and_a_faulty_field_are_shown_at_their_form(
    draft: Draft, employee: User
) -> None:
    declaration, client = draft(), browser(employee)
    html = page(client, declaration)

    no_reason = send(client, declaration, filled(html, "withdraw", reason=" "))
    faulty = send(client, declaration, filled(html, "submit", amount="-5", reason="Because"))

    assert no_reason.status_code == 422
    assert "needs a reason" in text(no_reason)
    assert faulty.status_code == 422
    assert "greater than or equal to 0.01" in text(faulty)
    assert "Because</textarea>" in text(faulty)
    assert (
        filled(text(faulty), "submit")["transition_id"] == filled(html, "submit")["transition_id"]
    )
    assert not TransitionEnvelope.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("transition_id", "no uuid", "is no UUID"),
        ("transition", "explode", "is not declared"),
        ("version", "zero", "is no number"),
        ("version", "", "is no number"),
    ],
)
def test_a_tampered_form_does_nothing_and_says_why(
    draft: Draft, employee: User, field: str, value: str, told: str
) -> None:
    declaration, client = draft(), browser(employee)
    data = filled(page(client, declaration), "submit") | {field: value}

    response = send(client, declaration, data)

    assert response.status_code == 200
    assert "Nothing was done:" in text(response)
    assert told in text(response)
    assert not TransitionEnvelope.objects.exists()


def test_a_transition_without_permission_is_not_offered_and_is_refused(
    draft: Draft, employee: User
) -> None:
    declaration, client = draft(), browser(employee)
    data = filled(page(client, declaration), "submit")
    send(client, declaration, data)
    html = page(client, declaration)
    assert "approve_final" not in html

    forged = {
        **filled(html, "take_back"),
        "transition": "approve_final",
        "transition_id": str(uuid.uuid4()),
    }
    response = send(client, declaration, forged)

    assert "may not do" in text(response)
    assert TransitionEnvelope.objects.get(transition="approve_final").state == State.REFUSED


def test_without_workers_it_is_said_that_it_will_come(
    draft: Draft, employee: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_WAIT", timedelta(0))
    declaration, client = draft(), browser(employee)

    told = text(send(client, declaration, filled(page(client, declaration), "submit")))

    assert "accepted. It will be done when a worker is free." in told
    assert "is on its way" in told
    assert "Wait until what was asked for is done." in told


def test_an_employee_sees_no_declaration_of_others(draft: Draft, person: Person) -> None:
    declaration = draft()
    stranger = browser(person("EMPLOYEE"))

    assert stranger.get(f"/declarations/{declaration.pk}/").status_code == 404
    assert stranger.post(f"/declarations/{declaration.pk}/request", {}).status_code == 404
    assert declaration.number not in text(stranger.get("/declarations/?whose=all"))


def test_a_reviewer_sees_all_and_makes_none(draft: Draft, person: Person) -> None:
    declaration = draft()
    reviewer = browser(person("SUPERVISOR"))

    assert declaration.number in text(reviewer.get("/declarations/"))
    assert declaration.number not in text(reviewer.get("/declarations/?whose=mine"))
    assert reviewer.get("/declarations/new").status_code == 403


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("status=draft", True),
        ("status=submitted", False),
        ("status=nonsense", True),
        ("search=confer", True),
        ("search=zzz", False),
        ("search=%00", True),
        ("page=999", True),
        ("page=x", True),
    ],
)
def test_the_list_is_narrowed_by_status_and_search(
    draft: Draft, employee: User, query: str, is_found: bool
) -> None:
    declaration = draft()

    response = browser(employee).get(f"/declarations/?{query}")

    assert response.status_code == 200
    assert (declaration.number in text(response)) is is_found


def test_the_list_pages_and_keeps_what_was_searched(draft: Draft, employee: User) -> None:
    for _ in range(26):
        draft()

    html = text(browser(employee).get("/declarations/?search=Conf"))

    assert "Page 1 of 2" in html
    assert 'href="?search=Conf&amp;page=2"' in html


def test_the_number_of_queries_does_not_grow(
    draft: Draft, employee: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    declarations = [draft() for _ in range(20)]
    client = browser(employee)

    with django_assert_max_num_queries(6):
        client.get("/declarations/")
    with django_assert_max_num_queries(7):
        client.get(f"/declarations/{declarations[0].pk}/")


@pytest.mark.parametrize("path", ["/declarations/", "/declarations/new", "/accounts/login/"])
def test_pages_hold_nothing_inline_and_send_the_policy(employee: User, path: str) -> None:
    response = browser(employee).get(path)

    html = text(response)
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert "<script" not in html
    assert "<style" not in html
    assert not re.search(r"\sstyle=|\son\w+=", html)


def test_what_was_written_is_shown_as_text(draft: Draft, employee: User) -> None:
    declaration = draft(purpose="<script>alert(1)</script>")

    assert "<script>" not in page(browser(employee), declaration)


def test_the_admin_shows_a_declaration_and_offers_no_way_round_the_engine(
    draft: Draft,
) -> None:
    declaration = draft()
    admin = browser(User.objects.create_superuser("root"))
    where = f"/admin/declarations/declaration/{declaration.pk}/change/"

    html = text(admin.get(where))
    admin.post(
        where,
        {
            "purpose": "Other",
            "amount": "1",
            "expense_date": "2026-03-01",
            "receipts": "1",
            "budget_number": "",
            "cost_centre": "",
        },
    )

    assert declaration.number in html
    changed = Declaration.objects.get()
    assert (changed.purpose, changed.amount) == ("Other", Decimal("42.00"))
    assert admin.get("/admin/declarations/declaration/add/").status_code == 403
    assert (
        admin.get(f"/admin/declarations/declaration/{declaration.pk}/delete/").status_code == 403
    )
