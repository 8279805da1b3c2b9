"""Asking for a transition: consequence first, then the form, then what became of it.

The form carries the transition id, so that sending it twice, or pressing Back and sending it
again, is one wish. It carries the version that the person saw: if the record has moved since,
nothing is submitted, and the page comes again with the new state and what was filled in.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workflow.acts import rights
from workflow.acts.rights import Right
from workflow.definition import (
    InvalidRequest,
    Transition,
    UnknownDefinition,
    WorkflowError,
    registry,
)
from workflow.engine.answer import Accepted, Conflict, Refused, Repeated
from workflow.engine.request import Request, actor_of, transition_id
from workflow.engine.sign import sign
from workflow.engine.submit import submit
from workflow.models import Origin, Record, Tracked, TransitionEnvelope
from workflow.pages.places import Places
from workflow.pages.user import signed_in
from workflow.queries import names
from workflow.queries.fields import labels_of
from workflow.queries.options import option
from workflow.queries.subjects import subject_of
from workflow.queries.values import Shown, fields_of, personal
from workflow.queries.wording import told_error

TEMPLATE = "escapement/ask.html"


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Who asks for what, where, when."""

    request: HttpRequest
    record: Record
    transition: Transition[Any, Any]
    places: Places
    now: datetime


@dataclass(kw_only=True)
class Sheet:
    """The form as it was sent, or as it is offered anew."""

    transition_id: uuid.UUID = field(default_factory=uuid.uuid4)
    payload: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    faults: list[str] = field(default_factory=list)
    is_bound: bool = False
    is_stale: bool = False
    is_checked: bool = False


def ask_page(
    *, request: HttpRequest, record: Record, name: str, places: Places, now: datetime
) -> HttpResponse:
    """Show the form of a transition, check it without doing anything, or hand it to the engine.

    Raises:
        Http404: The workflow has no such transition.
    """
    transition = _transition(record, name)
    rights.demand(
        user=signed_in(request), right=Right.REQUEST, act=f"request {name}", record=record, now=now
    )
    visit = Visit(request=request, record=record, transition=transition, places=places, now=now)
    if request.method != "POST":
        return _show(visit, Sheet())
    sheet = Sheet(
        payload=_payload(request, transition),
        reason=request.POST.get("reason", "").strip(),
        is_bound=True,
    )
    try:
        sheet.transition_id = transition_id(request.POST.get("transition_id", ""))
        version = _version(request.POST.get("version", ""))
    except InvalidRequest as error:
        sheet.faults.append(_("Nothing was done: %(error)s") % {"error": told_error(error)})
        return _show(visit, sheet)
    is_known = TransitionEnvelope.objects.filter(pk=sheet.transition_id).exists()
    if version != record.version and not is_known:
        sheet.is_stale = True
        sheet.transition_id = uuid.uuid4()
        return _show(visit, sheet)
    if "check" in request.POST:
        sheet.is_checked = True
        return _show(visit, sheet)
    return _submit(visit, sheet, version)


def _submit(visit: Visit, sheet: Sheet, version: int) -> HttpResponse:
    wish = Request(
        record=visit.record.pk,
        transition=visit.transition.name,
        transition_id=sheet.transition_id,
        user=signed_in(visit.request),
        payload=sheet.payload,
        reason=sheet.reason,
        origin=Origin.FORM,
        expected_version=version,
        correlation_id=getattr(visit.request, "correlation_id", ""),
    )
    try:
        if visit.transition.signature:
            password = visit.request.POST.get("password", "")
            wish = sign(request=wish, password=password, now=visit.now, web=visit.request)
        answer = submit(request=wish, now=visit.now)
    except WorkflowError as error:
        if not _form(visit.transition, sheet).errors:
            sheet.faults.append(told_error(error))
        return _show(visit, sheet)
    match answer:
        case Accepted() | Refused():
            pass  # the page of the envelope says it
        case Repeated():
            messages.info(visit.request, _("This form was sent before; it counts once."))
        case Conflict():
            messages.error(
                visit.request,
                _(
                    "This form was sent before with other content, and that stands."
                    " Nothing was done now."
                ),
            )
    return redirect(visit.places.envelope, answer.envelope.pk)


def _show(visit: Visit, sheet: Sheet) -> HttpResponse:
    record = visit.record
    subject = subject_of(record)
    in_flight = TransitionEnvelope.objects.in_flight().filter(record=record.pk).first()
    found = option(
        record=record,
        subject=subject,
        transition=visit.transition,
        user=signed_in(visit.request),
        in_flight=in_flight,
        payload=sheet.payload,
        now=visit.now,
    )
    return render(
        visit.request,
        TEMPLATE,
        {
            "places": visit.places,
            "now": visit.now,
            "record": record,
            "status": names.status(record.workflow, record.status),
            "workflow_label": names.workflow(record.workflow),
            "option": found,
            "changes": labels_of(subject, found.foresight.changes),
            "fields": _fields(visit, subject),
            "in_flight": in_flight,
            "sheet": sheet,
            "form": _form(visit.transition, sheet),
            "meaning": visit.transition.signature,
            "printed_name": actor_of(signed_in(visit.request)).label,
        },
        status=_status(sheet),
    )


def _fields(visit: Visit, subject: Tracked | None) -> list[Shown]:
    """Return what is to be decided about; masked in support, like on the record's page."""
    if subject is None:
        return []
    hidden = personal(visit.record.workflow) if visit.places.is_support else ()
    return fields_of(subject, hidden=hidden)


def _status(sheet: Sheet) -> int:
    if sheet.is_stale:
        return 409
    return 422 if sheet.is_bound and not sheet.is_checked else 200


def _transition(record: Record, name: str) -> Transition[Any, Any]:
    try:
        return registry.latest(record.workflow).by_name[name]
    except (KeyError, UnknownDefinition):
        raise Http404(_("There is no such transition.")) from None


def _version(text: str) -> int:
    """Return the record's version that the person saw: nobody decides about what they have not."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004  (fits 32 bits)
        raise InvalidRequest("version", text, gettext_noop("is no number; load the page again"))
    return int(text)


def _payload(request: HttpRequest, transition: Transition[Any, Any]) -> dict[str, str]:
    """Return the fields that are filled in, as they were sent."""
    fields = [] if transition.form is None else transition.form.base_fields
    return {name: request.POST[name] for name in fields if request.POST.get(name)}


def _form(transition: Transition[Any, Any], sheet: Sheet) -> forms.Form:
    form = transition.form or forms.Form
    made: forms.Form = form(data=sheet.payload if sheet.is_bound else None)
    return made
