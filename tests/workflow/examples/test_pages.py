"""The example's own pages, and a declaration's way over the desk of the engine."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.workflow.examples.conftest import Draft, Person
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.statuses import Status
from workflow.models import Record, State, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response: HttpResponse) -> str:
    return response.content.decode()


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


def test_an_employee_sees_no_declaration_of_others(draft: Draft, person: Person) -> None:
    declaration = draft()
    stranger = browser(person("EMPLOYEE"))

    assert stranger.get(f"/declarations/{declaration.pk}/").status_code == 404
    for path in ("", "submit/"):
        desk = f"/desk/records/{declaration.record_id}/{path}"
        assert stranger.get(desk).status_code == 404
    assert stranger.post(f"/desk/records/{declaration.record_id}/submit/", {}).status_code == 404
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
    with django_assert_max_num_queries(27):
        client.get(f"/declarations/{declarations[0].pk}/")


@pytest.mark.parametrize("path", ["/declarations/", "/declarations/new", "/accounts/login/"])
def test_pages_hold_nothing_inline_and_send_the_policy(employee: User, path: str) -> None:
    response = browser(employee).get(path)

    html = text(response)
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert "<style" not in html
    assert not re.search(r"\sstyle=|\son\w+=", html)


def test_what_was_written_is_shown_as_text(draft: Draft, employee: User) -> None:
    declaration = draft(purpose="<script>alert(1)</script>")

    assert "<script>" not in text(browser(employee).get(f"/declarations/{declaration.pk}/"))


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


def ask(client: Client, declaration: Declaration, transition: str, **fields: str) -> str:
    """Fill in the form of a transition on the desk, and return the page that follows it."""
    address = f"/desk/records/{declaration.record_id}/{transition}/"
    html = text(client.get(address))
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html))
    hidden.pop("csrfmiddlewaretoken", None)
    return text(client.post(address, {**hidden, **fields}, follow=True))


def test_a_declaration_goes_its_way_over_the_desk(
    draft: Draft, employee: User, person: Person
) -> None:
    declaration = draft()
    ask(browser(employee), declaration, "submit", receipts="3")
    drain()
    supervisor = browser(person("SUPERVISOR"))
    inbox = text(supervisor.get("/desk/"))
    html = text(supervisor.get(f"/declarations/{declaration.pk}/"))

    assert declaration.number in inbox
    assert "Approve for payment" in inbox
    assert f"/desk/records/{declaration.record_id}/approve_final/" in html
    assert Declaration.objects.get().receipts == 3
    form = text(supervisor.get(f"/desk/records/{declaration.record_id}/approve_final/"))
    assert "Calls <b>budget</b> first" in form


def test_nobody_approves_their_own_money(draft: Draft, person: Person) -> None:
    both = person("SUPERVISOR")
    both.groups.add(Group.objects.get(name="EMPLOYEE"))
    declaration = draft(claimant=both)
    client = browser(both)
    ask(client, declaration, "submit")
    drain()

    ask(client, declaration, "approve_final")
    drain()

    refused = TransitionEnvelope.objects.get(transition="approve_final")
    assert (refused.state, refused.code) == (State.REFUSED, "four_eyes")
    page = text(client.get(f"/desk/transitions/{refused.pk}/"))
    assert "You made this declaration; somebody else has to decide about it." in page
    assert Record.objects.get().status == Status.SUBMITTED
