# ruff: noqa: F811  (fixtures of other packages)
"""A long call shows how far it is, as a bar that can be read aloud."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from tests.effects.conftest import Ask, ann, ask, boss, make, script  # noqa: F401
from tests.pages.conftest import browser, text
from workflow.effects import claim
from workflow.engine import clock
from workflow.engine.claim import claim as claim_envelopes
from workflow.engine.commit import work_off

pytestmark = pytest.mark.django_db


def test_the_bar_stands_on_both_pages_with_note_and_age(ask: Ask, support: User) -> None:
    errand = ask("long", drained=False)
    envelopes = claim_envelopes(worker="w/1", now=clock.now())
    assert envelopes is not None
    work_off(claim=envelopes, clock=clock.now)
    (entry,) = claim.claim(worker="w/1", channel="slow", room=1, takes_ask=True, now=clock.now())
    heard = clock.now() - timedelta(minutes=7)
    claim.renew(token=entry.claim, heard={entry.pk: (0.4249, "row 42 of 99")}, now=heard)

    for path in (
        f"/admin/workflow/record/{errand.record_id}/change/",
        f"/admin/workflow/transitionenvelope/{errand.id}/change/",
    ):
        page = text(browser(support).get(path))
        assert '<progress max="100" value="42" aria-label="Progress of long">' in page, path
        assert "row 42 of 99" in page
        assert "heard of" in page
        assert "7 min ago" in page
