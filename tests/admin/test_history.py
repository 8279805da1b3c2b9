"""simple-history's pages: linked from the timeline, read, and nothing to go back by."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.test_pages import client, record, root  # noqa: F401  (fixtures)
from workflow.examples.declarations.models import Declaration
from workflow.models import Record

pytestmark = pytest.mark.django_db

BASE = "/admin/declarations/declaration"


def test_the_timeline_leads_to_the_history_and_to_each_row(
    client: Client,  # noqa: F811
    record: Record,  # noqa: F811
) -> None:
    subject = Declaration.objects.get(record=record)
    page = client.get(f"/admin/workflow/record/{record.pk}/change/").content.decode()

    assert f"{BASE}/{subject.pk}/history/" in page
    assert client.get(f"{BASE}/{subject.pk}/history/").status_code == 200


def test_not_even_a_superuser_goes_back(
    client: Client,  # noqa: F811
    record: Record,  # noqa: F811
) -> None:
    subject = Declaration.objects.get(record=record)
    first = subject.history.order_by("history_id").first()
    assert first is not None
    address = f"{BASE}/{subject.pk}/history/{first.history_id}/"
    rows = subject.history.count()

    page = client.get(address)

    assert page.status_code == 200
    assert "Revert" not in page.content.decode()
    assert 'type="submit" value' not in page.content.decode()
    forged = client.post(address, {"purpose": "put back", "receipts": "9", "_save": "Revert"})
    assert forged.status_code == 403
    assert subject.history.count() == rows
    subject.refresh_from_db()
    assert subject.purpose != "put back"


def test_who_may_not_see_the_declarations_gets_no_link(record: Record) -> None:  # noqa: F811
    from django.contrib.auth.models import Group

    user = User.objects.create_user("sue", is_staff=True)
    user.groups.add(Group.objects.get(name="Workflow support"))
    visitor = Client()
    visitor.force_login(user)
    page = visitor.get(f"/admin/workflow/record/{record.pk}/change/").content.decode()

    assert f"{BASE}/" not in page
