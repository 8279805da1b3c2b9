"""What the page of a record shows; the same on the desk and in support."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from workflow.acts import rights
from workflow.acts.rights import Right
from workflow.definition import UnknownDefinition, registry
from workflow.models import Record, State, Tracked, TransitionEnvelope
from workflow.pages import ticket
from workflow.pages.drawing import Drawing, drawing
from workflow.pages.places import Places
from workflow.pages.proof import proof
from workflow.pages.user import signed_in
from workflow.queries import names
from workflow.queries.effects import unfinished_of
from workflow.queries.options import Answer, options
from workflow.queries.subjects import subject_of
from workflow.queries.timeline import timeline
from workflow.queries.values import fields_of, personal
from workflow.queries.verdict import of_record
from workflow.queries.world import world

_RECENT = 200


def record_page(
    *,
    request: HttpRequest,
    record: Record,
    places: Places,
    now: datetime,
    revealed: bool = False,
) -> dict[str, Any]:
    """Return the template's context; a constant number of statements."""
    user = signed_in(request)
    subject = subject_of(record)
    hidden: Collection[str] = ()
    if places.is_support and not revealed:
        hidden = personal(record.workflow)
    envelopes = list(
        TransitionEnvelope.objects.filter(record=record.pk).order_by("-requested_at", "-pk")[
            :_RECENT
        ]
    )
    for envelope in envelopes:
        envelope.record = record
    in_flight = next((each for each in envelopes if each.is_in_flight), None)
    around = world(now=now)
    unfinished = unfinished_of(record.pk)
    happened = timeline(
        record=record,
        subject=subject,
        before=_before(request),
        hidden=hidden,
        reveal=revealed or not places.is_support,
        world=around,
        now=now,
    )
    verdict = of_record(
        record=record,
        envelopes=envelopes,
        effects=unfinished,
        world=around,
        now=now,
        whys={
            step.envelope.pk: " ".join(each.message for each in step.last.refusals)
            for step in happened.steps
            if step.envelope is not None
        },
    )
    offered = options(record=record, subject=subject, user=user, in_flight=in_flight, now=now)
    return {
        "places": places,
        "now": now,
        "record": record,
        "subject": subject,
        "status": names.status(record.workflow, record.status),
        "workflow_label": names.workflow(record.workflow),
        "verdict": verdict,
        "in_flight": in_flight,
        "stuck_call": next((each for each in unfinished if each.is_stuck), None),
        "may_request": rights.has(user, Right.REQUEST),
        "open_options": [each for each in offered if each.answer is not Answer.DENIED],
        "denied_options": [each for each in offered if each.answer is Answer.DENIED],
        "timeline": happened,
        "fields": [] if subject is None else fields_of(subject, hidden=hidden),
        "drawing": drawing_of(record, envelopes, in_flight),
        "proof": proof(record=record),
        "hidden": sorted(hidden),
        "history_url": _history(subject, user) if places.is_support else "",
        "revealed": revealed,
        "may_redact": rights.has(user, Right.REDACT),
        "may_reveal": rights.has(user, Right.REVEAL),
        "may_retry": rights.has(user, Right.RETRY),
        "may_settle": rights.has(user, Right.SETTLE),
        "ticket": ticket.of_record(
            record=record,
            verdict=verdict,
            address=request.build_absolute_uri(reverse(places.record, args=[record.pk])),
            now=now,
        ),
    }


def _history(subject: Tracked | None, user: User) -> str:
    """Return the address of django-simple-history's page; empty where there is none for them."""
    if subject is None:
        return ""
    about = subject._meta
    if not user.has_perm(f"{about.app_label}.view_{about.model_name}"):
        return ""
    try:
        return reverse(f"admin:{about.app_label}_{about.model_name}_history", args=[subject.pk])
    except NoReverseMatch:
        return ""


def _before(request: HttpRequest) -> int | None:
    text = request.GET.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004


def drawing_of(
    record: Record, envelopes: list[TransitionEnvelope], in_flight: TransitionEnvelope | None
) -> Drawing | None:
    """Return the drawing of a record's way; None where no release knows its workflow."""
    try:
        workflow = registry.latest(record.workflow)
    except UnknownDefinition:
        return None
    fired = sorted(
        (each for each in envelopes if each.state == State.FIRED),
        key=lambda each: each.resulting_version or 0,
    )
    return drawing(workflow=workflow, status=record.status, fired=fired, in_flight=in_flight)
