# ruff: noqa: F401, F811  (fixtures of other packages)
"""Two people settle the same doubt at the same instant, each on a connection of their own."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from audit.models import Entry
from tests.effects.conftest import Ask, ann, ask, boss, make, script
from tests.effects.errand import Script
from tests.engine.test_races import at_once
from tests.pages.conftest import browser, text
from workflow.definition import Unknown
from workflow.testing.drain import drain


@pytest.mark.django_db(transaction=True)
def test_one_wins_and_the_other_is_told_by_whom_and_when(ask: Ask, script: Script) -> None:
    script.answers["letter"] = [Unknown(reason="connection lost")]
    errand = ask("post")
    entry = errand.effect("letter")
    clients = []
    for name in ("sue", "sam"):
        user = User.objects.create_user(name, is_staff=True)
        user.groups.add(Group.objects.get(name="Workflow support"))
        clients.append((name, browser(user)))
    data = {"fence": str(entry.fence), "reason": "rang them", "way": "happened"}

    def settle(name: str, client: Any) -> Any:
        return client.post(f"/admin/effects/{entry.pk}/", {**data, "receipt": f"L-{name}"})

    answers = at_once([lambda n=name, c=client: settle(n, c) for name, client in clients])

    by_status = {answer.status_code: answer for answer in answers}
    assert set(by_status) == {302, 409}, [answer.status_code for answer in answers]
    done = Entry.objects.get(action="effect_done", reason="rang them")
    kept = errand.effect("letter").receipt
    assert kept == {"reference": f"L-{done.actor}"}, "the winner's receipt stands"
    at = timezone.localtime(done.at).strftime("%Y-%m-%d %H:%M:%S %Z")
    told = re.sub(r"\s+", " ", text(by_status[409]))
    assert f"settled by hand by {done.actor} at {at}" in told
    drain()
    assert script.names.count("letter") == 1
