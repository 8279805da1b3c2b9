"""What a failing call said leads to its transition."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from pytest_django import Settings

from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.start import start
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.workflows import DECLARATION
from workflow.models import EffectEntry, TransitionEnvelope
from workflow.queries import search
from workflow.queries.search import Kind
from workflow.testing.drain import drain


@pytest.fixture
def failing(db: None, settings: Settings) -> TransitionEnvelope:
    """A transition that fired, and whose call nobody answers."""
    settings.DECLARATIONS_DOWNSTREAM_URL = "http://127.0.0.1:9"
    ann = User.objects.create_user("ann")
    ann.user_permissions.add(Permission.objects.get(codename="submit_declaration"))
    today = clock.now().date()
    subject = Declaration(
        claimant=ann,
        number="D-1",
        purpose="x",
        amount=Decimal(10),
        expense_date=today,
        declared_on=today,
    )
    record = start(
        workflow=DECLARATION, subject=subject, reference="D-1", user=ann, now=clock.now()
    )
    wish = Request(record=record.pk, transition="submit", user=ann)
    envelope = submit(request=wish, now=clock.now()).envelope
    drain()
    return envelope


@pytest.mark.parametrize("text", ["was not sent", "CONNECTIONREFUSED"])
def test_words_of_an_unfinished_call_find_its_transition(
    failing: TransitionEnvelope, text: str
) -> None:
    found, kind = search.envelopes(text=text)
    assert (list(found), kind) == ([failing], Kind.CALL)


def test_the_code_of_an_unfinished_call_finds_its_transition(failing: TransitionEnvelope) -> None:
    code = EffectEntry.objects.get(envelope=failing).code
    assert code
    found, kind = search.envelopes(text=code)
    assert (list(found), kind) == ([failing], Kind.CALL)


def test_a_call_that_is_done_is_not_found_by_what_it_said(failing: TransitionEnvelope) -> None:
    EffectEntry.objects.update(finished_at=clock.now(), state="done")
    found, kind = search.envelopes(text="was not sent")
    assert (list(found), kind) == ([], Kind.NOTHING)
