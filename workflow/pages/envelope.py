"""What the page of one requested transition shows."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from audit.models import Entry
from workflow.acts import rights
from workflow.acts.cancel import CANCELLABLE
from workflow.acts.rights import Right
from workflow.definition import UnknownDefinition, registry
from workflow.models import Attempt, State, TransitionEnvelope
from workflow.pages import ticket
from workflow.pages.places import Places
from workflow.pages.user import signed_in
from workflow.queries import names
from workflow.queries.effects import effects_of
from workflow.queries.lines import line_of
from workflow.queries.said import entries_said, put_back
from workflow.queries.values import HIDDEN, personal, plain
from workflow.queries.verdict import of_envelope
from workflow.queries.world import world

_LINES = 300


def envelope_page(
    *, request: HttpRequest, envelope: TransitionEnvelope, places: Places, now: datetime
) -> dict[str, Any]:
    """Return the template's context; a constant number of statements."""
    user = signed_in(request)
    around = world(now=now)
    calls = effects_of([envelope.pk], world=around, now=now).get(envelope.pk, [])
    entries = Entry.objects.filter(transition_id=envelope.pk, chain=envelope.record_id)
    reveal = not places.is_support
    put_back([envelope], reveal=reveal)
    lines = [
        line_of(entry, workflow=envelope.workflow)
        for entry in entries_said(entries.order_by("sequence")[:_LINES], reveal=reveal)
    ]
    decision = next((line for line in reversed(lines) if line.findings), None)
    verdict = of_envelope(
        envelope=envelope,
        effects=[each.entry for each in calls],
        world=around,
        now=now,
        why="" if decision is None else " ".join(each.message for each in decision.refusals),
    )
    hidden = personal(envelope.workflow) if places.is_support else frozenset()
    return {
        "places": places,
        "now": now,
        "envelope": envelope,
        "record": envelope.record,
        "label": names.transition(envelope.workflow, envelope.transition),
        "target": names.status(envelope.workflow, envelope.target),
        "verdict": verdict,
        "calls": calls,
        "lines": lines,
        "decision": decision,
        "attempts": list(Attempt.objects.filter(envelope=envelope.pk).order_by("fence")),
        "payload": [
            (_entered(envelope, name), HIDDEN if name in hidden else plain(value))
            for name, value in sorted(envelope.payload.items())
        ],
        "raw": json.dumps(_raw(envelope, hidden), indent=2, ensure_ascii=False, default=str),
        "log_query": f'jq \'select(.transition_id == "{envelope.pk}"'
        f' or .correlation_id == "{envelope.correlation_id}")\'',
        "may_retry": rights.has(user, Right.RETRY),
        "may_settle": rights.has(user, Right.SETTLE),
        "can_retry": envelope.state == State.PARKED and envelope.code != "effect_in_doubt",
        "can_force": any(each.is_undo and each.entry.is_stuck for each in calls),
        "can_cancel": envelope.state in CANCELLABLE,
        "ticket": ticket.of_envelope(
            envelope=envelope,
            verdict=verdict,
            address=request.build_absolute_uri(reverse(places.envelope, args=[envelope.pk])),
            now=now,
        ),
    }


def _raw(envelope: TransitionEnvelope, hidden: frozenset[str]) -> dict[str, Any]:
    raw = {
        field.attname: getattr(envelope, field.attname) for field in envelope._meta.concrete_fields
    }
    raw["payload"] = {
        name: HIDDEN if name in hidden else value for name, value in envelope.payload.items()
    }
    return raw


def _entered(envelope: TransitionEnvelope, name: str) -> str:
    """Return what the form calls a field that was filled in."""
    said: Any = None
    try:
        workflow = registry.get(envelope.workflow, envelope.definition_version)
    except UnknownDefinition:
        workflow = None
    transition = None if workflow is None else workflow.by_name.get(envelope.transition)
    if transition is not None and transition.form is not None:
        field = transition.form.base_fields.get(name)
        said = None if field is None else field.label
    return str(said or name.replace("_", " ").capitalize())
