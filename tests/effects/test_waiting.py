"""Effects that a downstream accepts and finishes later: polled, called back, given up on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.effects.conftest import Ask, Errand
from tests.effects.errand import Script
from workflow.definition import Declined, Done, InvalidRequest, Pending, Postponed, Unknown
from workflow.effects.call_back import Taken, TakenBefore, take_call_back
from workflow.engine import clock
from workflow.models import State
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

Later = Callable[..., Any]
ACCEPTED = Pending(receipt={"ticket": "T1"})


class TestPolling:
    def test_it_is_asked_at_intervals_and_burns_no_attempts(
        self, ask: Ask, script: Script, later: Later
    ) -> None:
        script.answers["clear"] = [ACCEPTED]
        script.answers["poll"] = [Pending(), Pending(), Postponed(reason="busy"), Pending()]
        errand = ask("clear")
        for seconds in (31, 62, 93, 124, 155):
            later(seconds=seconds)
        assert script.names == ["clear", *["poll"] * 5]
        assert errand.effect("clear").state == "done"
        assert errand.effect("clear").attempts == 0
        assert script.called("poll")[0].receipt == {"ticket": "T1"}

    def test_it_is_never_sent_again_meanwhile(
        self, ask: Ask, script: Script, later: Later
    ) -> None:
        script.answers["clear"] = [ACCEPTED]
        script.answers["poll"] = [Unknown(reason="garbage")] * 200
        errand = ask("clear")
        for minutes in range(1, 70, 2):
            later(minutes=minutes)
        assert len(script.called("clear")) == 1
        assert errand.effect("clear").state == "in_doubt"
        assert errand.effect("clear").code == "waited_too_long"

    def test_a_no_is_a_no(self, ask: Ask, script: Script, later: Later) -> None:
        script.answers["clear"] = [ACCEPTED]
        script.answers["poll"] = [Declined(reason="account closed")]
        errand = ask("clear")
        later(seconds=31)
        assert errand.effect("clear").state == "parked"  # it follows from what has fired


class TestCallBack:
    @pytest.fixture
    def waiting(self, ask: Ask, script: Script) -> Errand:
        script.answers["notify"] = [ACCEPTED]
        errand = ask("notify")
        assert errand.effect("notify").state == "pending"
        assert errand.envelope.state == State.CALLING
        return errand

    def test_it_ends_the_wait(self, waiting: Errand, script: Script) -> None:
        taken = self.call(waiting, {"ok": True})
        assert isinstance(taken, Taken)
        drain()
        assert waiting.envelope.state == State.FIRED
        assert waiting.effect("notify").receipt == {"ok": True}
        assert script.names == ["notify"]

    def test_twice_is_once(self, waiting: Errand) -> None:
        self.call(waiting, {"ok": True})
        assert isinstance(self.call(waiting, {"ok": True}), TakenBefore)
        assert waiting.outcomes("notify") == ["send pending", "call_back done"]

    def test_another_one_under_a_used_key_is_refused(self, waiting: Errand) -> None:
        self.call(waiting, {"ok": True})
        with pytest.raises(InvalidRequest, match="is done already"):
            self.call(waiting, {"ok": False})

    @pytest.mark.parametrize(
        "key", ["", "nonsense", f"{UUID(int=9)}:notify", ":notify", "x" * 300]
    )
    def test_an_unknown_key_is_refused(self, waiting: Errand, key: str) -> None:
        with pytest.raises(InvalidRequest, match="key"):
            take_call_back(key=key, body={"ok": True}, by="tester", now=clock.now())
        assert waiting.effect("notify").state == "pending"

    def test_an_effect_that_expects_none_takes_none(self, ask: Ask) -> None:
        errand = ask("tell")
        with pytest.raises(InvalidRequest, match="takes no call-back"):
            take_call_back(
                key=f"{errand.id}:tell", body={"ok": True}, by="tester", now=clock.now()
            )

    def test_one_that_cannot_be_read_changes_nothing(
        self, waiting: Errand, script: Script
    ) -> None:
        script.answers["call-back"] = [KeyError("status"), Unknown(reason="no status")]
        for _ in range(2):
            with pytest.raises(InvalidRequest, match="status"):
                self.call(waiting, {"scripted": True})
        assert waiting.effect("notify").state == "pending"

    def test_one_that_comes_before_the_answer_to_the_call_wins(
        self, ask: Ask, script: Script
    ) -> None:
        """The worker is still calling; what it brings afterwards is late."""
        from workflow.effects import claim
        from workflow.effects.answer import Answer
        from workflow.effects.record import Ended, record
        from workflow.models import Kind

        script.answers["notify"] = [Postponed(reason="busy")]
        errand = ask("notify")
        (held,) = claim.claim(
            worker="w/1",
            channel="feed",
            room=1,
            takes_ask=True,
            now=errand.effect("notify").due_at,  # type: ignore[arg-type]
        )
        self.call(errand, {"ok": True})
        answer = Answer(
            kind=Kind.SEND,
            what=Done(receipt={"late": True}),
            by="w/1",
            started_at=clock.now(),
            ended_at=clock.now(),
        )
        ended = Ended(entry=held, answer=answer)
        assert record(ended=[ended], now=clock.now()) == {"late": 1}
        assert errand.effect("notify").receipt == {"ok": True}
        assert errand.outcomes("notify") == ["send postponed", "send unknown", "call_back done"]
        assert "effect_late" in errand.actions()

    def test_nobody_waits_for_ever(self, waiting: Errand, later: Later, script: Script) -> None:
        later(hours=2)
        assert waiting.effect("notify").state == "in_doubt"
        assert waiting.envelope.state == State.PARKED
        assert script.names == ["notify"]

    def call(self, errand: Errand, body: dict[str, Any]) -> Taken | TakenBefore:
        return take_call_back(key=f"{errand.id}:notify", body=body, by="tester", now=clock.now())
