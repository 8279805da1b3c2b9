"""Why a request was refused at once, as the trail has kept it."""

from __future__ import annotations

import json

from audit.models import Entry
from workflow.definition import Refusal
from workflow.engine.trail import Action
from workflow.models import TransitionEnvelope
from workflow.queries.said import entries_said


def refusals_of(envelope: TransitionEnvelope) -> tuple[Refusal, ...]:
    """Return the refusals that a request got when it came, in their order; personal ones hidden.

    One statement. Where the entry tells of none, what the envelope itself has kept.
    """
    rows = Entry.objects.filter(
        chain=envelope.record_id, transition_id=envelope.pk, action=Action.REFUSED
    )
    for entry in entries_said(rows.order_by("sequence")[:1], reveal=False):
        found = json.loads(entry.evidence).get("findings", ())
        said_no = tuple(
            Refusal(
                message=each["message"],
                required=each["required"],
                actual=each["actual"],
                code=each["code"],
            )
            for each in found
            if not each["held"]
        )
        if said_no:
            return said_no
    return (Refusal(message=envelope.message, code=envelope.code),)
