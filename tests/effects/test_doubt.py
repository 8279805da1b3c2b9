"""A call that may have happened: looked up, sent again or left to a person, as its effect says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.effects.conftest import Ask, Errand
from tests.effects.errand import SETTLES, Script
from workflow.acts import effects as acts
from workflow.definition import Absent, Declined, Done, InvalidRequest, Postponed, Unknown
from workflow.effects import claim, rescue
from workflow.engine import clock
from workflow.engine.limits import limits
from workflow.models import EffectEntry, State
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

Later = Callable[..., Any]
LOST = Unknown(reason="no answer")


def die(effect: EffectEntry, *, calls: bool = True) -> None:
    """Claim the effect and never come back, as a killed worker does."""
    held = claim.claim(
        worker="dead/1", channel=effect.channel, room=10, takes_ask=True, now=clock.now()
    )
    assert [each.pk for each in held] == [effect.pk]


def is_over() -> timedelta:
    return limits().lease + timedelta(seconds=1)


class TestLookup:
    def test_it_is_not_asked_before_the_call_has_settled(
        self, ask: Ask, script: Script, later: Later
    ) -> None:
        script.answers["pay"] = [LOST]
        errand = ask("pay")
        assert errand.effect("pay").state == "checking"
        later(seconds=SETTLES.total_seconds() - 2)
        assert script.names == ["pay"]

    def test_what_it_finds_is_adopted(self, ask: Ask, script: Script, later: Later) -> None:
        script.answers["pay"] = [LOST]
        script.answers["find"] = [Done(receipt={"number": 77})]
        errand = ask("pay")
        later(seconds=70)
        assert script.names == ["pay", "find"], "sent again although it had happened"
        assert errand.effect("pay").receipt == {"number": 77}
        assert errand.envelope.state == State.FIRED
        assert errand.outcomes("pay") == ["send unknown", "lookup done"]

    def test_what_is_not_there_is_sent(self, ask: Ask, script: Script, later: Later) -> None:
        script.answers["pay"] = [LOST]
        script.answers["find"] = [Absent()]
        errand = ask("pay")
        later(seconds=70)
        assert script.names == ["pay", "find", "pay"]
        assert script.calls[0][1].key == script.calls[2][1].key
        assert errand.envelope.state == State.FIRED

    @pytest.mark.parametrize(
        "answer",
        [Postponed(reason="away"), LOST, OSError("away"), lambda _: "yes", lambda _: None],
    )
    def test_one_that_gives_no_answer_is_asked_again_and_nothing_is_sent(
        self, ask: Ask, script: Script, later: Later, answer: Any
    ) -> None:
        script.answers["pay"] = [LOST]
        script.answers["find"] = [answer, Done(receipt={"number": 1})]
        errand = ask("pay")
        later(seconds=70)
        assert errand.effect("pay").state == "checking"
        later(seconds=80)
        assert script.names == ["pay", "find", "find"]
        assert errand.effect("pay").state == "done"

    def test_one_that_never_answers_leaves_it_to_a_person(
        self, ask: Ask, script: Script, later: Later
    ) -> None:
        script.answers["pay"] = [LOST]
        script.answers["find"] = [Postponed(reason="away")] * 3
        errand = ask("pay")
        for hours in range(1, 9):
            later(hours=hours)
        assert script.names == ["pay", "find", "find", "find"]
        assert errand.effect("pay").state == "in_doubt"
        assert errand.envelope.code == "effect_in_doubt"

    def test_a_no_of_business_that_it_finds_ends_the_doubt(
        self, ask: Ask, script: Script, later: Later
    ) -> None:
        script.answers["pay"] = [LOST]
        script.answers["find"] = [Declined(reason="account closed")]
        errand = ask("pay")
        later(seconds=70)
        assert errand.effect("pay").state == "declined"
        assert errand.envelope.state == State.REFUSED
        assert errand.envelope.message == "account closed"


class TestDeath:
    """A worker is gone after its intent was durable; nobody knows whether it called."""

    def test_it_is_sent_again_where_keys_are_honoured(
        self, ask: Ask, script: Script, later: Later
    ) -> None:
        errand = self.dead(ask, "tell")
        later(seconds=is_over().total_seconds())
        later(minutes=2)
        assert len(script.called("tell")) == 1
        assert errand.outcomes("tell") == ["send died", "send done"]

    def test_it_is_looked_up_only_after_the_latest_possible_call_has_settled(
        self, ask: Ask, script: Script, later: Later
    ) -> None:
        script.answers["find"] = [Done(receipt={"number": 5})]
        errand = self.dead(ask, "pay", "pay")
        later(seconds=is_over().total_seconds())
        effect = errand.effect("pay")
        assert effect.state == "checking"
        assert effect.send_until is not None
        assert effect.due_at == effect.send_until + SETTLES
        assert script.names == []
        later(seconds=70)
        assert script.names == ["find"]
        assert errand.envelope.state == State.FIRED

    def test_it_is_left_to_a_person_where_neither_can_be(
        self, ask: Ask, script: Script, later: Later
    ) -> None:
        errand = self.dead(ask, "send_letter", "letter")
        later(seconds=is_over().total_seconds())
        later(days=30)
        assert script.names == [], "a letter was sent twice"
        assert errand.effect("letter").state == "in_doubt"
        assert errand.effect("letter").code == "worker_died"

    def test_a_cluster_that_is_known_to_be_dead_is_not_waited_for(
        self, ask: Ask, script: Script
    ) -> None:
        errand = self.dead(ask, "send_letter", "letter")
        assert rescue.rescue_cluster(cluster="other", now=clock.now()) == 0
        assert rescue.rescue_cluster(cluster="dead", now=clock.now()) == 1
        assert errand.effect("letter").state == "in_doubt"

    def test_a_look_up_that_dies_is_asked_again(
        self, ask: Ask, script: Script, later: Later
    ) -> None:
        script.answers["pay"] = [LOST]
        errand = ask("pay")
        EffectEntry.objects.filter(envelope=errand.id).update(due_at=clock.now())
        die(errand.effect("pay"))
        later(seconds=is_over().total_seconds())
        assert errand.effect("pay").state == "checking"
        later(minutes=2)
        assert script.names == ["pay", "find"]
        assert errand.outcomes("pay") == ["send unknown", "lookup died", "lookup done"]

    def dead(self, ask: Ask, transition: str, effect: str = "tell") -> Errand:
        errand = ask(transition, drained=False)
        # Decide, but call nothing.
        from workflow.engine.claim import claim as claim_envelopes
        from workflow.engine.commit import work_off

        batch = claim_envelopes(worker="w/1", now=clock.now())
        assert batch is not None
        work_off(claim=batch, clock=clock.now)
        die(errand.effect(effect))
        return errand


class TestPerson:
    """What nobody else can tell."""

    @pytest.fixture
    def doubt(self, ask: Ask, script: Script) -> Errand:
        script.answers["letter"] = [LOST]
        return ask("post")

    def test_it_happened(self, doubt: Errand, boss: User, script: Script) -> None:
        effect = doubt.effect("letter")
        acts.happened(
            effect=effect.pk,
            fence=effect.fence,
            receipt={"slip": "RR 12"},
            user=boss,
            reason="slip found",
            now=clock.now(),
        )
        drain()
        assert len(script.called("letter")) == 1
        assert doubt.envelope.state == State.FIRED
        assert doubt.effect("letter").receipt == {"slip": "RR 12"}
        assert doubt.outcomes("letter") == ["send unknown", "person done"]

    def test_it_did_not_and_is_sent(self, doubt: Errand, boss: User, script: Script) -> None:
        effect = doubt.effect("letter")
        acts.did_not_happen(
            effect=effect.pk, fence=effect.fence, user=boss, reason="not there", now=clock.now()
        )
        drain()
        first, second = script.called("letter")
        assert first.key == second.key
        assert doubt.envelope.state == State.FIRED

    def test_it_is_let_be_and_the_rest_undone(
        self, doubt: Errand, boss: User, script: Script
    ) -> None:
        effect = doubt.effect("letter")
        acts.give_up(
            effect=effect.pk, fence=effect.fence, user=boss, reason="enough", now=clock.now()
        )
        drain()
        assert script.names == ["reserve", "letter", "release"]
        assert doubt.envelope.state == State.CANCELLED
        assert "Not undone: letter." in doubt.envelope.message

    def test_it_may_not_simply_be_sent_again(self, doubt: Errand, boss: User) -> None:
        effect = doubt.effect("letter")
        with pytest.raises(InvalidRequest, match="would do it twice"):
            acts.retry(
                effect=effect.pk, fence=effect.fence, user=boss, reason="again", now=clock.now()
            )

    def test_the_second_of_two_is_told(self, doubt: Errand, boss: User, ann: User) -> None:
        effect = doubt.effect("letter")
        acts.give_up(
            effect=effect.pk, fence=effect.fence, user=boss, reason="enough", now=clock.now()
        )
        with pytest.raises(InvalidRequest, match="has changed since you looked"):
            acts.did_not_happen(
                effect=effect.pk, fence=effect.fence, user=ann, reason="send it", now=clock.now()
            )

    @pytest.mark.parametrize("receipt", [{}, "RR 12", None, {"at": object()}])
    def test_a_receipt_is_needed(self, doubt: Errand, boss: User, receipt: Any) -> None:
        effect = doubt.effect("letter")
        with pytest.raises(InvalidRequest, match="receipt"):
            acts.happened(
                effect=effect.pk,
                fence=effect.fence,
                receipt=receipt,
                user=boss,
                reason="slip",
                now=clock.now(),
            )
        assert doubt.effect("letter").state == "in_doubt"

    @pytest.mark.parametrize("reason", ["", "  ", "\x00", "x" * 10_001])
    def test_a_reason_is_needed(self, doubt: Errand, boss: User, reason: str) -> None:
        effect = doubt.effect("letter")
        with pytest.raises(InvalidRequest, match="reason"):
            acts.give_up(
                effect=effect.pk, fence=effect.fence, user=boss, reason=reason, now=clock.now()
            )

    def test_it_is_entered_in_the_name_of_who_settles(self, doubt: Errand, boss: User) -> None:
        from audit.models import Entry

        effect = doubt.effect("letter")
        acts.give_up(
            effect=effect.pk, fence=effect.fence, user=boss, reason="enough", now=clock.now()
        )
        entry = Entry.objects.get(action="effect_abandoned")
        assert (entry.actor, entry.reason) == ("boss", "enough")
