"""K4: a database that was restored has forgotten; nothing is sent again without a question."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.models import Entry
from tests.doctor.conftest import Ask
from tests.effects.errand import SCRIPT, SETTLES
from workflow.acts import effects
from workflow.definition import Absent, Done, Unknown
from workflow.engine import clock
from workflow.models import Channel, Cluster
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

SOON = timedelta(minutes=10)
LONG_AGO = "2026-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def _nobody_works(cluster: Cluster) -> None:
    Cluster.objects.all().delete()


@pytest.fixture
def restored(ask: Ask) -> Any:
    """Requests that were accepted at the time of the backup, and calls that were not made yet.

    What the downstreams got after it is what the script answers when they are asked.
    """
    far = clock.now() + timedelta(days=400)
    Channel.objects.filter(pk__in=["bank", "post"]).update(closed_by="paused", opens_at=far)

    def restored(transition: str, *, decided: bool) -> Any:
        return ask(transition, drained=decided)

    yield restored
    Channel.objects.update(closed_by="", opens_at=None)


def open_doors() -> None:
    Channel.objects.update(closed_by="", opens_at=None)


def of(found: Any, what: str) -> dict[str, Any]:
    """Return what was found of one transition, by effect."""
    return {each["effect"]: each for each in found["calls"] if each["transition"] == what}


class TestCallsThatHaveARow:
    def test_one_that_can_be_asked_is_asked_and_listed_with_its_receipt(
        self, told: Any, restored: Any, script: Any
    ) -> None:
        wish = restored("pay", decided=True)
        script.answers["find"] = [Done(receipt={"payment": "P-7"})]
        code, found = told("--after-restore", LONG_AGO)
        assert code == 1
        pay = of(found, "errand.pay")["pay"]
        assert (pay["standing"], pay["is_planned"]) == ("there", True)
        assert pay["receipt"] == {"payment": "P-7"}
        assert wish.states() == {"pay": "waiting"}  # looking wrote nothing
        assert script.names == ["find"]

    def test_put_in_doubt_it_is_adopted_and_never_sent_again(
        self, told: Any, restored: Any, script: Any
    ) -> None:
        wish = restored("pay", decided=True)
        script.answers["find"] = [Done(), Done(receipt={"payment": "P-7"})]
        assert told("--after-restore", LONG_AGO, "--repair")[1]["put_in_doubt"] == 1
        assert wish.states() == {"pay": "checking"}
        assert Entry.objects.filter(transition_id=wish.id).last().action == "effect_checking"
        open_doors()
        drain(ahead=2 * SETTLES)
        assert wish.envelope.state == "fired"
        assert wish.effect("pay").receipt == {"payment": "P-7"}
        assert script.names == ["find", "find"]

    def test_one_that_did_not_arrive_is_sent_once_it_has_been_asked(
        self, told: Any, restored: Any, script: Any
    ) -> None:
        wish = restored("pay", decided=True)
        script.answers["find"] = [Absent(), Absent()]
        code, found = told("--after-restore", LONG_AGO, "--repair")
        assert (code, found["counts"]["absent"]) == (0, 1)
        open_doors()
        drain(ahead=2 * SETTLES)
        assert wish.envelope.state == "fired"
        assert script.names == ["find", "find", "pay"]

    def test_one_that_nobody_can_ask_waits_for_a_person(
        self, told: Any, restored: Any, script: Any, boss: Any
    ) -> None:
        wish = restored("send_letter", decided=True)
        code, found = told("--after-restore", LONG_AGO, "--repair")
        assert code == 1
        assert of(found, "errand.send_letter")["letter"]["standing"] == "person"
        open_doors()
        drain(ahead=SOON)
        letter = wish.effect("letter")
        assert (letter.state, script.names) == ("in_doubt", [])
        effects.happened(
            effect=letter.pk,
            fence=letter.fence,
            receipt={"seen": "at the post office"},
            user=boss,
            reason="It lies there.",
            now=clock.now(),
        )
        drain(ahead=SOON)
        assert (wish.states(), script.names) == ({"letter": "done"}, [])

    def test_one_whose_key_is_honoured_is_left_to_be_sent_again(
        self, told: Any, restored: Any, ask: Ask
    ) -> None:
        far = clock.now() + timedelta(days=400)
        Channel.objects.filter(pk="feed").update(closed_by="paused", opens_at=far)
        wish = restored("tell", decided=True)
        code, found = told("--after-restore", LONG_AGO, "--repair")
        assert (code, found["counts"]["safe"], found["calls"]) == (0, 1, [])
        assert wish.states() == {"tell": "waiting"}

    def test_an_answer_that_is_none_is_listed(self, told: Any, restored: Any, script: Any) -> None:
        restored("pay", decided=True)
        for answer, says in (
            (Unknown(reason="cannot say"), "cannot say"),
            (RuntimeError("away"), "RuntimeError: away"),
        ):
            script.answers["find"] = [answer]
            pay = of(told("--after-restore", LONG_AGO)[1], "errand.pay")["pay"]
            assert (pay["standing"], pay["told"]) == ("untold", says)

    def test_nobody_is_asked_if_that_is_not_wanted(self, told: Any, restored: Any) -> None:
        restored("pay", decided=True)
        _, found = told("--after-restore", LONG_AGO, "--no-ask")
        assert of(found, "errand.pay")["pay"]["standing"] == "not asked"
        assert SCRIPT.names == []


class TestCallsWhoseRowIsLost:
    def test_they_are_found_by_the_key_that_they_must_have(
        self, told: Any, restored: Any, script: Any
    ) -> None:
        wish = restored("all", decided=False)
        script.answers["find"] = [Done(receipt={"payment": "P-8"})]
        _, found = told("--after-restore", LONG_AGO)
        calls = of(found, "errand.all")
        assert calls["pay"]["key"] == f"{wish.id}:pay"
        assert (calls["pay"]["standing"], calls["pay"]["is_planned"]) == ("there", False)
        assert calls["letter"]["standing"] == "person"
        assert "reserve" not in calls  # its downstream honours keys

    def test_ask_first_adopts_them(
        self, restored: Any, script: Any, settings: Any, boss: Any
    ) -> None:
        """Before- and after-effects, planned anew while ASK_FIRST is on."""
        settings.ESCAPEMENT = {**settings.ESCAPEMENT, "ASK_FIRST": True}
        wish = restored("all", decided=False)
        open_doors()
        script.answers["find"] = [Done(receipt={"payment": "P-8"})]
        drain()
        drain(ahead=2 * SETTLES)
        assert wish.envelope.state == "fired"
        assert wish.states() == {
            "reserve": "done",
            "pay": "done",
            "tell": "done",
            "letter": "in_doubt",
        }
        assert "pay" not in script.names
        assert "letter" not in script.names

    def test_ask_first_puts_a_before_effect_that_cannot_be_asked_before_a_person(
        self, restored: Any, script: Any, settings: Any, boss: Any
    ) -> None:
        settings.ESCAPEMENT = {**settings.ESCAPEMENT, "ASK_FIRST": True}
        wish = restored("post", decided=False)
        open_doors()
        drain()
        assert (wish.envelope.state, wish.envelope.code) == ("parked", "effect_in_doubt")
        letter = wish.effect("letter")
        effects.did_not_happen(
            effect=letter.pk, fence=letter.fence, user=boss, reason="No.", now=clock.now()
        )
        drain()
        assert wish.envelope.state == "fired"
        assert script.names == ["reserve", "letter"]

    def test_without_it_they_would_be_sent_again(self, restored: Any, script: Any) -> None:
        """What the setting is for."""
        restored("all", decided=False)
        open_doors()
        drain()
        assert "pay" in script.names


class TestTransitionsThatAreGone:
    def test_the_downstreams_own_list_names_them(
        self, told: Any, ask: Ask, restored: Any, tmp_path: Path
    ) -> None:
        done = ask("tell")
        waits = restored("pay", decided=True)
        undecided = restored("all", decided=False)
        gone = "0192f3a4-5b6c-7d8e-9f00-112233445566:pay"
        keys = tmp_path / "keys.txt"
        keys.write_text(
            f"{done.id}:tell\n{waits.id}:pay\n{undecided.id}:pay\n\n{gone}\nnonsense\n"
        )
        code, found = told("--after-restore", LONG_AGO, "--no-ask", "--keys", str(keys))
        assert code == 1
        lacks = {each["key"]: each["lacks"] for each in found["unknown_keys"]}
        assert lacks == {
            f"{waits.id}:pay": "its outcome; the call is waiting",
            f"{undecided.id}:pay": "the call's row",
            gone: "the transition itself",
            "nonsense": "it is no key of ours: TRANSITION-ID:NAME",
        }


class TestBadInput:
    def test_workers_have_to_be_stopped(self, told: Any) -> None:
        now = clock.now()
        Cluster.objects.create(name="c", started_at=now, seen_at=now, workers=2)
        assert told("--after-restore", LONG_AGO) == (2, None)

    @pytest.mark.parametrize("given", ["yesterday", "2026-13-01", "9999-01-01T00:00:00Z"])
    def test_a_time_that_cannot_be(self, told: Any, given: str) -> None:
        assert told("--after-restore", given) == (2, None)

    def test_a_list_that_is_not_there(self, told: Any) -> None:
        assert told("--after-restore", LONG_AGO, "--keys", "/nowhere") == (2, None)
