"""What is kept of an attempt, column by column."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.effects.errand import HOLD
from workflow.definition import Finding, allow, refuse
from workflow.engine import clock
from workflow.engine.decide import CallFirst, Decision, Fail, Fire, Refuse
from workflow.engine.plan import Planned
from workflow.engine.settle import ATTEMPTS, attempt
from workflow.models import Attempt, Ending, TransitionEnvelope

YES = Finding(guard="yes", answer=allow())
NO = Finding(guard="no", answer=refuse("Not yet.", code="early"))


@pytest.mark.parametrize(
    ("decision", "kept"),
    [
        (Fire(findings=(YES,), changed=()), ("fired", "", "", "")),
        (
            CallFirst(findings=(YES,), planned=Planned(effect=HOLD, request={}, position=0)),
            ("called", "", "hold", ""),
        ),
        (Refuse(findings=(YES, NO)), ("refused", "early", "Not yet.", "")),
        (
            Fail(ending=Ending.ERROR, code="odd", message="It was odd.", detail="line 7"),
            ("error", "odd", "It was odd.", "line 7"),
        ),
    ],
)
@pytest.mark.django_db
def test_an_attempt_has_each_thing_in_its_column(
    make: Any, ask: Any, decision: Decision, kept: tuple[str, ...]
) -> None:
    envelope: TransitionEnvelope = ask(make()).envelope
    now = clock.now()
    envelope.fence, envelope.worker, envelope.claimed_at = 3, "w/1", now - timedelta(seconds=2)
    ATTEMPTS.insert([attempt(envelope, decision, now)])
    row = Attempt.objects.get()
    assert (row.envelope_id, row.fence, row.worker) == (envelope.pk, 3, "w/1")
    assert (row.started_at, row.ended_at) == (now - timedelta(seconds=2), now)
    assert (row.ending, row.code, row.message, row.detail) == kept
