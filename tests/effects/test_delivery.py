"""Effects on their way: planned, sent in order, retried, and never more often than they may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from tests.effects.conftest import Ask, Make
from tests.effects.errand import Script
from workflow.definition import Done, Permanent, Postponed, Rejected, Retryable, Unknown
from workflow.examples.declarations.models import Declaration
from workflow.models import EffectEntry, State
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

Later = Callable[..., Any]


def test_before_effects_are_done_before_and_after_effects_after_it_fires(
    ask: Ask, script: Script
) -> None:
    errand = ask("all")
    assert script.names[:2] == ["reserve", "pay"]
    assert sorted(script.names[2:]) == ["letter", "tell"]
    assert errand.envelope.state == State.FIRED
    assert set(errand.states().values()) == {"done"}
    assert errand.actions()[:6] == [
        "requested",
        "calling",
        "effect_done",
        "calling",
        "effect_done",
        "fired",
    ]
    subject = Declaration.objects.get(record=errand.record)
    assert subject.payment_reference == "2"  # from the receipt of `pay`


def test_the_key_is_transition_and_effect_and_the_request_what_was_decided(
    ask: Ask, script: Script
) -> None:
    errand = ask("all")
    (pay,) = script.called("pay")
    assert pay.key == f"{errand.id}:pay"
    assert pay.request == {
        "what": "pay",
        "amount": "12.50",
        "receipts": ["reserve"],
        "purpose": "a journey",
    }
    (tell,) = script.called("tell")
    assert tell.request["purpose"] == "stamped"  # after `apply`
    assert tell.correlation_id == errand.envelope.correlation_id
    assert len(tell.traceparent.split("-")) == 4


def test_one_that_has_nothing_to_send_is_left_out(ask: Ask, script: Script) -> None:
    script.skips = {"reserve", "tell"}
    errand = ask("all")
    assert errand.envelope.state == State.FIRED
    assert errand.states() == {"pay": "done", "letter": "done"}


@pytest.mark.parametrize("answer", [Postponed(reason="busy"), Retryable("busy")])
def test_a_postponed_one_is_sent_again_under_its_key(
    ask: Ask, script: Script, later: Later, answer: Any
) -> None:
    script.answers["tell"] = [answer]
    errand = ask("tell")
    assert errand.effect("tell").state == "waiting"
    assert errand.effect("tell").message == "busy"
    drain()
    assert len(script.called("tell")) == 1  # backing off
    later(seconds=3)
    first, second = script.called("tell")
    assert first.key == second.key
    assert first.request == second.request
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.traceparent != second.traceparent
    assert errand.outcomes("tell") == ["send postponed", "send done"]


def test_the_transition_does_not_wait_for_its_after_effects(ask: Ask, script: Script) -> None:
    script.answers["tell"] = [Rejected(reason="no such address")]
    errand = ask("tell")
    assert errand.envelope.state == State.FIRED
    assert errand.effect("tell").state == "parked"


def test_used_up_attempts_park(ask: Ask, script: Script, later: Later) -> None:
    script.answers["reserve"] = [Postponed(reason=f"busy {number}") for number in range(3)]
    errand = ask("all")
    later(seconds=10)
    later(minutes=10)
    later(hours=10)
    assert len(script.called("reserve")) == 3
    assert errand.effect("reserve").state == "parked"
    assert errand.envelope.state == State.PARKED
    assert errand.envelope.code == "effect_failed"
    assert errand.envelope.message == "reserve failed: busy 2"


@pytest.mark.parametrize("answer", [Rejected(reason="no account"), Permanent("no account")])
def test_one_that_failed_for_good_parks_at_once(ask: Ask, script: Script, answer: Any) -> None:
    script.answers["pay"] = [answer]
    errand = ask("pay")
    assert errand.effect("pay").state == "parked"
    assert errand.outcomes("pay") == ["send rejected"]
    assert "effect_parked" in errand.actions()


def test_an_exception_is_in_doubt_and_keeps_its_traceback(ask: Ask, script: Script) -> None:
    script.answers["letter"] = [ValueError("oops")]
    errand = ask("send_letter")
    effect = errand.effect("letter")
    assert effect.state == "in_doubt"
    assert effect.message == "ValueError: oops"
    assert "raise answer" in effect.attempt_set.get().detail


@pytest.mark.parametrize("answer", [lambda _: None, lambda _: "ok", lambda _: 200])
def test_an_answer_that_is_none_is_in_doubt(ask: Ask, script: Script, answer: Any) -> None:
    script.answers["letter"] = [answer]
    errand = ask("send_letter")
    assert errand.effect("letter").state == "in_doubt"
    assert errand.effect("letter").code == "bad_answer"
    assert "one of Done, Pending" in errand.effect("letter").message


@pytest.mark.parametrize(
    "receipt",
    ["no object", {"at": object()}, {"x": "y" * 70_000}, {"x": "\x00"}, {"x": float("nan")}],
)
def test_a_receipt_that_cannot_be_kept_does_not_undo_that_it_happened(
    ask: Ask, script: Script, receipt: Any
) -> None:
    script.answers["letter"] = [Done(receipt=receipt)]
    errand = ask("send_letter")
    effect = errand.effect("letter")
    assert effect.state == "done"
    assert set(effect.receipt) == {"unreadable", "problem"}


def test_secrets_of_an_answer_are_hidden_where_it_is_kept_for_reading(
    ask: Ask, script: Script
) -> None:
    script.answers["tell"] = [Done(receipt={"id": 7, "access_token": "s3cret"})]
    errand = ask("tell")
    attempt = errand.effect("tell").attempt_set.get()
    assert attempt.answer == {"id": 7, "access_token": "•••"}
    assert not Entry.objects.filter(evidence__contains="s3cret").exists()


def test_effects_of_one_record_on_one_channel_keep_their_order(
    ask: Ask, script: Script, make: Make, later: Later
) -> None:
    record = make()
    script.answers["tell"] = [Postponed(reason="busy")]
    first = ask("tell", record=record)
    second = ask("tell", record=record)
    assert second.envelope.state == State.FIRED
    assert len(script.called("tell")) == 1, "the second overtook the first"
    assert second.effect("tell").state == "waiting"
    later(seconds=3)
    assert [call.transition_id for call in script.called("tell")] == [
        first.id,
        first.id,
        second.id,
    ]


def test_other_records_and_other_channels_are_not_held_up(
    ask: Ask, script: Script, make: Make
) -> None:
    record = make()
    script.answers["tell"] = [Rejected(reason="stuck")]
    ask("tell", record=record)
    assert ask("send_letter", record=record).effect("letter").state == "done"
    assert ask("tell").effect("tell").state == "done"


def test_a_batch_takes_as_many_statements_as_one(ask: Ask, make: Make, script: Script) -> None:
    def statements(records: int) -> int:
        for _ in range(records):
            ask("tell", record=make(), drained=False)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            drain()
        return len(seen)

    statements(1)
    one, some = statements(1), statements(12)
    assert EffectEntry.objects.unfinished().count() == 0
    assert some < 2 * one, (one, some)  # a round more or two, not a statement for each


def test_an_unknown_one_is_sent_again_where_the_downstream_honours_its_key(
    ask: Ask, script: Script, later: Later
) -> None:
    script.answers["tell"] = [Unknown(reason="no answer")]
    errand = ask("tell")
    assert errand.effect("tell").is_doubtful
    later(seconds=3)
    assert errand.outcomes("tell") == ["send unknown", "send done"]
    assert not errand.effect("tell").is_doubtful
