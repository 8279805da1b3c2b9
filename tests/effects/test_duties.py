"""L3: who initiates, who approves and who settles differ, where a workflow says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from audit.models import Entry
from tests.effects.conftest import Ask, Errand, Make
from tests.effects.errand import Script
from tests.pages.conftest import browser, text
from workflow.acts import effects as acts
from workflow.acts.effects import NotApart
from workflow.definition import Unknown
from workflow.engine import clock
from workflow.engine.answer import Refused
from workflow.engine.request import Request
from workflow.engine.submit import submit
from workflow.models import State
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

BARRED = "You have made “tell” of this record; somebody else has to do this step."


def staff(name: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name="Workflow support"))
    return user


def witnessed(errand: Errand, user: User, **more: Any) -> Any:
    wish = Request(record=errand.record_id, transition="witness", user=user, **more)
    return submit(request=wish, now=clock.now())


def test_who_made_the_one_may_not_ask_for_the_other(ask: Ask, ann: User, boss: User) -> None:
    told = ask("tell")

    answer = witnessed(told, ann)

    assert isinstance(answer, Refused)
    assert [each.code for each in answer.refusals] == ["separation_of_duties"]
    assert answer.refusals[0].message == BARRED
    refused = Entry.objects.get(action="refused").evidence
    assert f'"actual":"user {ann.pk}"' in refused
    assert '"code":"separation_of_duties"' in refused
    assert not isinstance(witnessed(told, boss), Refused)
    drain()
    evidence = Entry.objects.filter(chain=told.record_id, action="calling").last()
    assert evidence is not None
    assert f"none of users {ann.pk}" in evidence.evidence, "its consent is evidence too"


def test_it_is_decided_again_under_the_lock(
    ask: Ask, make: Make, ann: User, later: Callable[..., Any]
) -> None:
    """A request for later is accepted before its requester makes what bars them from it."""
    record = make()
    due = clock.now() + timedelta(hours=1)
    witness = ask("witness", record=record, drained=False, due_at=due)
    ask("tell", record=record)

    later(hours=2)

    assert witness.envelope.state == State.REFUSED
    assert witness.envelope.code == "separation_of_duties"


def test_the_system_is_no_person(ask: Ask) -> None:
    told = ask("tell", user=None)

    assert not isinstance(witnessed(told, User.objects.create_user("any")), Refused)


def test_the_page_shows_it_as_a_guard_with_what_it_compared(ask: Ask, ann: User) -> None:
    told = ask("tell")
    ann.groups.add(Group.objects.get(name="Workflow support"))
    ann.is_staff = True
    ann.save()

    for user, words in ((ann, BARRED), (staff("sue"), f"none of users {ann.pk}")):
        html = text(browser(user).get(f"/admin/workflow/record/{told.record_id}/change/"))
        assert "separation of duties" in html
        assert words in html


class TestSettling:
    @pytest.fixture
    def doubt(self, ask: Ask, script: Script, boss: User) -> Errand:
        """A letter in doubt: `tell` was made by ann, and boss asked for it."""
        told = ask("tell")
        script.answers["letter"] = [Unknown(reason="line cut")]
        return ask("witness", record=told.record, user=boss)

    def test_neither_who_asked_nor_who_made_the_other_settles_it(
        self, doubt: Errand, ann: User, boss: User
    ) -> None:
        entry = doubt.effect("letter")
        for user in (ann, boss):
            for act in (acts.happened, acts.did_not_happen, acts.give_up):
                more: dict[str, Any] = {"receipt": {"n": 1}} if act is acts.happened else {}
                with pytest.raises(NotApart):
                    act(
                        effect=entry.pk,
                        fence=entry.fence,
                        user=user,
                        reason="sure",
                        now=clock.now(),
                        **more,
                    )
        assert doubt.effect("letter").state == "in_doubt"
        denied = Entry.objects.filter(action="denied", chain=doubt.record_id)
        assert denied.count() == 6
        assert '"right":"separation_of_duties"' in denied[0].evidence

    def test_a_third_person_does(self, doubt: Errand) -> None:
        entry = doubt.effect("letter")
        acts.happened(
            effect=entry.pk,
            fence=entry.fence,
            user=staff("sue"),
            reason="rang them",
            receipt={"n": 1},
            now=clock.now(),
        )
        drain()
        assert doubt.envelope.state == State.FIRED

    def test_the_page_says_so_before_and_refuses_the_form_all_the_same(
        self, doubt: Errand, boss: User
    ) -> None:
        boss.is_staff = True
        boss.save()
        boss.groups.add(Group.objects.get(name="Workflow support"))
        entry = doubt.effect("letter")
        client, address = browser(boss), f"/admin/effects/{entry.pk}/"
        words = "You asked for this step yourself; somebody else has to settle its calls."

        assert words in text(client.get(address))
        data = {"fence": str(entry.fence), "reason": "sure", "way": "happened", "receipt": "L-1"}
        answer = client.post(address, data)

        assert answer.status_code == 409
        assert words in text(answer)
        assert doubt.effect("letter").state == "in_doubt"
