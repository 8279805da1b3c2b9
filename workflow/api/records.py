"""Records: the list, and one with its trail, its way so far, and what may become of it."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from audit.models import Entry
from workflow.acts.reveal import reveal
from workflow.api import answers, paging
from workflow.api.caller import Caller, calling
from workflow.api.document import problems
from workflow.api.preconditions import check_correlation, etag
from workflow.api.problems import Problem
from workflow.api.shapes import addresses
from workflow.api.shapes.base import Cursor, Items, Limit, Name, When, standing_of
from workflow.api.shapes.record import (
    AsOfShape,
    EntryShape,
    Explanation,
    OptionShape,
    RecordDetail,
    RecordShape,
    Reveal,
    Timeline,
    Trial,
    option_of,
    record_of,
    step_of,
)
from workflow.api.sight import record_for
from workflow.definition import InvalidRequest, Transition, registry
from workflow.engine import clock
from workflow.engine.judge import check_payload, declared
from workflow.engine.request import Request, check
from workflow.engine.trail import MOVES
from workflow.models import KeyScope, Record, Tracked, TransitionEnvelope
from workflow.queries.as_of import as_of
from workflow.queries.drift import drift
from workflow.queries.effects import unfinished_of
from workflow.queries.fields import labels_of
from workflow.queries.lines import line_of
from workflow.queries.options import Option, option, options
from workflow.queries.sight import in_sight
from workflow.queries.subjects import subject_of
from workflow.queries.timeline import timeline
from workflow.queries.values import HIDDEN, fields_of, personal, plain
from workflow.queries.verdict import of_record
from workflow.queries.world import world

router = Router(tags=["Records"])

_RECENT = 50

Before = Annotated[int, Field(ge=1, lt=2**31)]


class RecordFilter(Schema):
    """Which records."""

    workflow: Name | None = None
    status: Annotated[str, Field(pattern=r"^[^\x00]{1,64}$")] | None = None
    reference: Annotated[str, Field(pattern=r"^[^\x00]{1,100}$")] | None = None


@router.get(
    "/records",
    response={200: Items[RecordShape], problems(400, 422): Any},
    summary="List records",
    url_name="records",
)
def list_records(
    request: HttpRequest, chosen: Query[RecordFilter], cursor: Cursor = "", limit: Limit = 50
) -> Any:
    """List the records that one may see, those that moved last first."""
    caller = calling(request, KeyScope.READ)
    rows = in_sight(user=caller.user).filter(**chosen.dict(exclude_none=True))
    found = paging.page(rows, by=("status_since", "pk"), cursor=cursor, limit=limit)
    return paging.answer(found, record_of)


@router.get(
    "/records/{uuid:record}",
    response={200: RecordDetail, problems(404): Any},
    summary="Look at a record",
    url_name="record",
)
def get_record(request: HttpRequest, response: HttpResponse, record: UUID) -> Any:
    """Return where a record stands, joined to what its trail says of that."""
    found = record_for(calling(request, KeyScope.READ), record)
    response.headers["ETag"] = etag(found.version)
    return _detailed(found, hidden=personal(found.workflow))


@router.post(
    "/records/{uuid:record}/reveal",
    response={200: RecordDetail, problems(400, 404, 413, 415, 422): Any},
    summary="Look at a record's personal data",
    url_name="reveal",
)
def reveal_record(request: HttpRequest, record: UUID, wanted: Reveal) -> Any:
    """Return a record with its personal fields; that it was looked at is entered in its trail."""
    caller = calling(request, KeyScope.READ)
    check_correlation(request)
    found = record_for(caller, record)
    reveal(record=found, user=caller.user, reason=wanted.reason, now=clock.now())
    return _detailed(found, hidden=frozenset())


@router.get(
    "/records/{uuid:record}/trail",
    response={200: Items[EntryShape], problems(400, 404, 422): Any},
    summary="Read a record's trail",
    url_name="trail",
)
def get_trail(request: HttpRequest, record: UUID, cursor: Cursor = "", limit: Limit = 50) -> Any:
    """Return the entries of the audit trail, the oldest first, each with its digest."""
    found = record_for(calling(request, KeyScope.READ), record)
    rows = Entry.objects.filter(chain=found.pk)
    page = paging.page(rows, by=("sequence",), cursor=cursor, limit=limit, rising=True)
    return paging.answer(page, lambda entry: _entry(entry, found.workflow))


@router.get(
    "/records/{uuid:record}/timeline",
    response={200: Timeline, problems(404, 422): Any},
    summary="Read what happened to a record",
    url_name="timeline",
)
def get_timeline(
    request: HttpRequest, record: UUID, before: Before | None = None, limit: Limit = 50
) -> Any:
    """Return the same as steps: each request with its attempts, calls and changes of fields."""
    found = record_for(calling(request, KeyScope.READ), record)
    now = clock.now()
    told = timeline(
        record=found,
        subject=subject_of(found),
        before=before,
        hidden=personal(found.workflow),
        at_most=limit,
        world=world(now=now),
        now=now,
    )
    return {"items": [step_of(each) for each in told.steps], "next": told.older}


@router.get(
    "/records/{uuid:record}/explain",
    response={200: Explanation, problems(404, 409): Any},
    summary="Explain what may become of a record",
    url_name="explain",
)
def explain(request: HttpRequest, record: UUID) -> Any:
    """Say of every transition that leaves the status whether it would fire, and why not."""
    caller = calling(request, KeyScope.READ)
    found = record_for(caller, record)
    subject = subject_of(found)
    offered = options(
        record=found,
        subject=subject,
        user=caller.user,
        in_flight=_in_flight(found),
        now=clock.now(),
    )
    return {
        "record": found.pk,
        "status": found.status,
        "version": found.version,
        "options": [_option(each, subject) for each in offered],
    }


@router.post(
    "/records/{uuid:record}/dry-run",
    response={200: OptionShape, problems(400, 404, 409, 413, 415, 422): Any},
    summary="Try a transition without doing it",
    url_name="dry-run",
)
def dry_run(request: HttpRequest, record: UUID, wanted: Trial) -> Any:
    """Say whether a transition would fire, what it would change and what it would send.

    A payload is looked at as that of a request is; without one, guards see an empty form.
    """
    caller = calling(request, KeyScope.READ)
    found = record_for(caller, record)
    try:
        transition = _tried(caller, found, wanted)
    except InvalidRequest as error:
        raise answers.invalid(error) from error
    subject = subject_of(found)
    tried = option(
        record=found,
        subject=subject,
        transition=transition,
        user=caller.user,
        in_flight=_in_flight(found),
        payload=wanted.payload,
        now=clock.now(),
    )
    return _option(tried, subject)


def _tried(caller: Caller, record: Record, wanted: Trial) -> Transition[Any, Any]:
    """Return the transition, having looked at the payload as at that of a request."""
    workflow = registry.latest(record.workflow)
    transition = declared(workflow=workflow, name=wanted.transition)
    if wanted.payload is not None:
        check(
            Request(
                record=record.pk,
                transition=transition.name,
                user=caller.user,
                payload=wanted.payload,
            )
        )
        check_payload(transition=transition, payload=wanted.payload)
    return transition


@router.get(
    "/records/{uuid:record}/as-of",
    response={200: AsOfShape, problems(404, 409, 422): Any},
    summary="Look at a record as it was",
    url_name="as-of",
)
def get_as_of(request: HttpRequest, record: UUID, at: When) -> Any:
    """Return status and fields as they were at a time, whatever has happened since."""
    found = record_for(calling(request, KeyScope.READ), record)
    was = as_of(record=found, at=at)
    if was is None:
        raise Problem("not_found", "The record did not exist at that time.")
    hidden = personal(found.workflow)
    return {
        "record": found.pk,
        "at": was.at,
        "status": was.status,
        "version": was.version,
        "since": was.since,
        "transition_id": was.transition_id,
        "sequence": was.entry,
        "fields": {
            name: None if value is None else HIDDEN if name in hidden else plain(value)
            for name, value in was.fields.items()
        },
    }


def _detailed(record: Record, *, hidden: frozenset[str]) -> dict[str, Any]:
    now = clock.now()
    subject = subject_of(record)
    recent = TransitionEnvelope.objects.filter(record=record.pk)
    envelopes = list(recent.order_by("-requested_at", "-pk")[:_RECENT])
    in_flight = next((each for each in envelopes if each.is_in_flight), None)
    verdict = of_record(
        record=record,
        envelopes=envelopes,
        effects=unfinished_of(record.pk),
        world=world(now=now),
        now=now,
    )
    shown = [] if subject is None else fields_of(subject, hidden=hidden)
    return {
        **record_of(record),
        "standing": standing_of(verdict),
        "in_flight": None if in_flight is None else addresses.of_transition(in_flight.pk),
        "fields": [
            {
                "name": each.name,
                "label": each.label,
                "value": each.value,
                "is_hidden": each.is_hidden,
            }
            for each in shown
        ],
        "trail": _last_entry(record),
        "drift": [
            {
                "what": each.what.value,
                "name": each.name,
                "told": HIDDEN if each.name in hidden else each.told,
                "found": HIDDEN if each.name in hidden else each.found,
            }
            for each in drift(record=record)
        ],
    }


def _last_entry(record: Record) -> dict[str, Any] | None:
    moved = Entry.objects.filter(chain=record.pk, action__in=MOVES).exclude(new="")
    last = moved.order_by("-sequence").first()
    if last is None:
        return None
    return {
        "sequence": last.sequence,
        "at": last.at,
        "action": last.action,
        "status": last.new,
        "transition_id": last.transition_id,
        "digest": last.digest,
    }


def _in_flight(record: Record) -> TransitionEnvelope | None:
    return TransitionEnvelope.objects.in_flight().filter(record=record.pk).first()


def _option(found: Option, subject: Tracked | None) -> dict[str, Any]:
    return option_of(found, changes=labels_of(subject, found.foresight.changes))


def _entry(entry: Entry, workflow: str) -> dict[str, Any]:
    names = ("sequence", "at", "action", "actor", "reason", "old", "new", "transition_id",
             "correlation_id", "previous", "digest")  # fmt: skip
    return {
        "words": line_of(entry, workflow=workflow).words,
        "evidence": json.loads(entry.evidence) if entry.evidence else {},
        **{name: getattr(entry, name) for name in names},
    }
