"""The admin shows the engine's rows and changes none; django-q2's pages are gone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.start import start
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.workflows import DECLARATION
from workflow.models import Record, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root", password="of a test")


@pytest.fixture
def client(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def record(root: User) -> Record:
    day = date.today()
    subject = Declaration(
        claimant=root, number="7", amount=Decimal(9), expense_date=day, declared_on=day
    )
    record = start(
        workflow=DECLARATION, subject=subject, reference="D-7", user=root, now=clock.now()
    )
    submit(request=Request(record=record.pk, transition="save", user=root), now=clock.now())
    drain()
    return record


@pytest.mark.parametrize("model", [Record, TransitionEnvelope, Entry])
def test_rows_are_shown_and_cannot_be_changed(
    client: Client, record: Record, model: type[Record]
) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert client.get(reverse(f"{name}_changelist"), {"q": record.pk}).status_code == 200
    page = reverse(f"{name}_change", args=[model._default_manager.first().pk])
    answer = client.get(page)
    assert answer.status_code == 200
    assert b'name="_save"' not in answer.content
    assert client.post(page, {}).status_code == 403
    assert client.get(reverse(f"{name}_add")).status_code == 403
    before = list(model._default_manager.values())
    client.post(reverse(f"{name}_changelist"), {"action": "delete_selected"})
    assert list(model._default_manager.values()) == before


def test_the_page_of_a_record_shows_what_was_asked(client: Client, record: Record) -> None:
    page = client.get(reverse("admin:workflow_record_change", args=[record.pk]))
    assert b"Save for later" in page.content
    assert b"Fired" in page.content


def test_the_runners_pages_are_not_registered() -> None:
    for model in apps.get_app_config("django_q").get_models():
        assert not admin.site.is_registered(model)
