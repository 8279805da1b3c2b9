"""Taking back what was done for a transition that does not fire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.effects.conftest import Ask, Errand, Make
from tests.effects.errand import Script
from workflow.acts import effects as acts
from workflow.acts.cancel import cancel
from workflow.acts.close_by_force import close_by_force
from workflow.acts.resume import resume
from workflow.definition import Declined, Done, InvalidRequest, Postponed, Rejected, Unknown
from workflow.engine import clock
from workflow.models import Phase, State
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

Later = Callable[..., Any]


def test_a_refusal_downstream_refuses_the_transition_and_undoes_the_rest(
    ask: Ask, script: Script, make: Make
) -> None:
    script.answers["hold"] = [Declined(reason="the budget is used up", code="no_budget")]
    record = make()
    errand = ask("reserve", record=record)
    assert script.names == ["reserve", "hold", "release"]
    assert errand.envelope.state == State.REFUSED
    assert errand.envelope.code == "no_budget"
    assert errand.envelope.message == "the budget is used up"
    assert errand.states() == {"reserve": "done", "hold": "declined", "-reserve": "done"}
    assert ask("end", record=record).envelope.state == State.FIRED, "the slot is free"


def test_guards_are_asked_again_after_the_effects_and_all_is_undone_in_reverse(
    ask: Ask, script: Script
) -> None:
    script.refuses = lambda context: len(context.receipts) == 2
    errand = ask("reserve")
    assert script.names == ["reserve", "hold", "unhold", "release"]
    assert errand.envelope.state == State.REFUSED
    assert errand.record.status == "new"
    assert errand.actions()[-4:] == ["effect_done", "undoing", "effect_done", "refused"]


def test_an_undo_has_the_receipt_and_a_key_of_its_own(ask: Ask, script: Script) -> None:
    script.answers["reserve"] = [Done(receipt={"hold": "H-1"})]
    script.answers["hold"] = [Declined(reason="no")]
    errand = ask("reserve")
    (release,) = script.called("release")
    assert release.key == f"{errand.id}:reserve:undo"
    assert release.receipt == {"hold": "H-1"}
    assert release.request["what"] == "reserve"


def test_an_undo_that_fails_stays_visible_until_a_person_has_decided(
    ask: Ask, script: Script, boss: User, later: Later
) -> None:
    script.answers["hold"] = [Declined(reason="no")]
    script.answers["release"] = [Rejected(reason="unknown reservation")]
    errand = ask("reserve")
    later(days=3)
    assert errand.envelope.state == State.UNDOING
    undo = errand.effect("reserve", Phase.UNDO)
    assert undo.state == "parked"
    acts.retry(effect=undo.pk, fence=undo.fence, user=boss, reason="mended", now=clock.now())
    drain()
    assert errand.envelope.state == State.REFUSED
    assert errand.outcomes("reserve") == [
        "send done",
        "send rejected",
        "person retried",
        "send done",
    ]


def test_an_undo_is_sent_again_only_as_its_recovery_says(
    ask: Ask, script: Script, later: Later
) -> None:
    script.answers["hold"] = [Declined(reason="no")]
    script.answers["release"] = [Unknown(reason="no answer"), Postponed(reason="busy")]
    errand = ask("reserve")
    later(seconds=10)
    later(seconds=60)
    assert errand.envelope.state == State.REFUSED
    assert len({call.key for call in script.called("release")}) == 1


def test_closing_by_force_lists_what_was_not_undone(ask: Ask, script: Script, boss: User) -> None:
    script.answers["hold"] = [Declined(reason="no")]
    script.answers["release"] = [Rejected(reason="unknown reservation")]
    errand = ask("reserve")
    _, left = close_by_force(
        transition_id=errand.id, user=boss, reason="settled by phone", now=clock.now()
    )
    assert left == ["reserve"]
    drain()
    assert errand.envelope.state == State.REFUSED
    assert errand.envelope.message == "no Not undone: reserve."
    with pytest.raises(InvalidRequest, match="is refused"):
        close_by_force(transition_id=errand.id, user=boss, reason="again", now=clock.now())


class TestCancel:
    def test_what_has_not_happened_is_not_sent_any_more(
        self, ask: Ask, script: Script, boss: User, later: Later
    ) -> None:
        script.answers["hold"] = [Postponed(reason="busy")]
        errand = ask("reserve")
        self.cancel(errand, boss)
        later(hours=1)
        assert script.names == ["reserve", "hold", "release"]
        assert errand.envelope.state == State.CANCELLED
        assert errand.states() == {"reserve": "done", "hold": "abandoned", "-reserve": "done"}

    def test_what_may_have_happened_is_found_out_first(
        self, ask: Ask, script: Script, boss: User, later: Later
    ) -> None:
        script.answers["hold"] = [Unknown(reason="no answer")]
        errand = ask("reserve")
        self.cancel(errand, boss)
        assert errand.envelope.state == State.CALLING
        assert errand.envelope.closing_as == "cancelled"
        later(seconds=5)
        assert script.names == ["reserve", "hold", "hold", "unhold", "release"]
        assert errand.envelope.state == State.CANCELLED

    def test_a_parked_one_ends(self, ask: Ask, script: Script, boss: User) -> None:
        script.answers["hold"] = [Rejected(reason="no such budget")]
        errand = ask("reserve")
        self.cancel(errand, boss)
        drain()
        assert script.names == ["reserve", "hold", "release"]
        assert errand.envelope.state == State.CANCELLED
        assert errand.envelope.message == "not wanted any more"

    def test_a_doubt_is_settled_first(self, ask: Ask, script: Script, boss: User) -> None:
        script.answers["letter"] = [Unknown(reason="no answer")]
        errand = ask("post")
        with pytest.raises(InvalidRequest, match="“letter” is in doubt; settle that first"):
            self.cancel(errand, boss)
        with pytest.raises(InvalidRequest, match="“letter” is in doubt; settle that first"):
            resume(transition_id=errand.id, user=boss, reason="go on", now=clock.now())
        assert errand.envelope.state == State.PARKED

    def cancel(self, errand: Errand, boss: User) -> None:
        cancel(transition_id=errand.id, user=boss, reason="not wanted any more", now=clock.now())


def test_resuming_sends_what_failed_and_repeats_nothing_that_is_done(
    ask: Ask, script: Script, boss: User
) -> None:
    script.answers["hold"] = [Rejected(reason="no such budget")]
    errand = ask("reserve")
    assert errand.envelope.state == State.PARKED
    resume(transition_id=errand.id, user=boss, reason="budget made", now=clock.now())
    drain()
    assert script.names == ["reserve", "hold", "hold"]
    assert errand.envelope.state == State.FIRED


def test_a_deadline_ends_the_wait_for_an_effect(ask: Ask, script: Script, later: Later) -> None:
    script.answers["pay"] = [Postponed(reason="busy")] * 2
    errand = ask("hurry")
    script.answers["pay"] = [Postponed(reason="busy")] * 9
    later(minutes=6)
    assert errand.envelope.state == State.FAILED
    assert errand.envelope.code == "deadline"
    assert script.names[-1] == "release"
