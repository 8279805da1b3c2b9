"""The bulk form: thousands of requests in one call, each with its own answer."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.engine.conftest import Make, actions
from workflow.engine import clock
from workflow.engine.answer import Accepted, Conflict, Invalid, Refused, Repeated
from workflow.engine.request import Request
from workflow.engine.submit import submit_many
from workflow.models import TransitionEnvelope

pytestmark = pytest.mark.django_db


def test_each_request_gets_its_answer_in_order(make: Make, ann: User) -> None:
    record, name = make(), uuid4()

    def wish(**more: object) -> Request:
        return Request(**{"record": record.pk, "transition": "open", "user": ann, **more})

    answers = submit_many(
        requests=[
            wish(transition_id=name),
            wish(transition_id=name),
            wish(transition_id=name, reason="other"),
            wish(transition="hurry"),
            wish(transition="opne"),
            wish(record=uuid4()),
            wish(record=make().pk),
        ],
        now=clock.now(),
    )
    kinds = [type(answer) for answer in answers]
    assert kinds == [Accepted, Repeated, Conflict, Refused, Invalid, Invalid, Accepted]
    assert actions(record) == ["started", "requested", "repeated", "conflict", "refused"]


def test_a_long_list_is_written_part_by_part_in_its_order(
    make: Make, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.engine.submit._SORTED_TOGETHER", 2)
    first, second = make(), make()
    requests = [
        Request(record=first.pk, transition="open", user=ann),
        Request(record=uuid4(), transition="open", user=ann),
        Request(record=first.pk, transition="open", user=ann),
        Request(record=second.pk, transition="open", user=ann),
        Request(record=second.pk, transition="opne", user=ann),
    ]
    answers = submit_many(requests=[*requests, requests[0]], now=clock.now())
    kinds = [type(answer) for answer in answers]
    assert kinds == [Accepted, Invalid, Refused, Accepted, Invalid, Repeated]
    assert actions(first) == ["started", "requested", "refused", "repeated"]


def test_sending_all_of_it_again_changes_nothing(make: Make, ann: User) -> None:
    requests = [Request(record=make().pk, transition="open", user=ann) for _ in range(30)]
    submit_many(requests=requests, now=clock.now())
    before = list(TransitionEnvelope.objects.order_by("pk").values())
    answers = submit_many(requests=requests, now=clock.now())
    assert all(isinstance(answer, Repeated) for answer in answers)
    assert list(TransitionEnvelope.objects.order_by("pk").values()) == before


def test_the_statements_do_not_grow_with_the_requests(make: Make, ann: User) -> None:
    clock.now()

    def statements(count: int) -> int:
        requests = [Request(record=make().pk, transition="open", user=ann) for _ in range(count)]
        with CaptureQueriesContext(connection) as seen:
            submit_many(requests=requests, now=clock.now())
        return len(seen)

    statements(1)
    # Not more: SQLite takes 999 values a statement, which are 27 envelopes.
    assert statements(20) <= statements(2)
