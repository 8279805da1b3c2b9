"""The admin shows what verifications found, and which seals were not written outside."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from audit.anchors import Anchor, send_pending
from audit.models import Seal, Verification
from audit.verify.run import run
from tests.audit.conftest import key
from tests.audit.rows import NOW, entry, forge, make_chain
from tests.audit.sealing import sealed

__all__ = ["key"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="of a test"))
    return client


def test_a_verification_shows_its_verdict_and_problems(client: Client) -> None:
    chain = make_chain(2)
    forge(entry(chain, 2), actor="Eve")
    list(run(clock=lambda: NOW, resume=False))
    kept = Verification.objects.get()
    listed = client.get(reverse("admin:audit_verification_changelist")).content.decode()
    assert "1 problem in 2 entries in 1 chain and 0 seals" in listed
    page = client.get(reverse("admin:audit_verification_change", args=[kept.pk]))
    assert "entry 2 was altered" in page.content.decode()


def test_a_seal_shows_where_it_went_and_cannot_be_changed(client: Client, key: object) -> None:
    make_chain(1)
    sealed(key)  # type: ignore[arg-type]
    send_pending(anchor=Anchor("file:///no/such/folder/x"), now=NOW)
    address = reverse("admin:audit_seal_change", args=[Seal.objects.get().pk])
    page = client.get(address).content.decode()
    assert "No such file" in page
    assert client.post(address, {}).status_code == 403
    failed = client.get(reverse("admin:audit_anchoring_changelist"), {"succeeded__exact": 0})
    assert "file:///no/such/folder/x" in failed.content.decode()
