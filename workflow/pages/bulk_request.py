"""Asking for one transition of many records: which, what it would do to each, then the run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from workflow.acts import bulk, rights
from workflow.acts.bulk import Target
from workflow.acts.rights import Right
from workflow.definition import InvalidRequest, Reason, Transition, registry
from workflow.engine import clock, duties, standing
from workflow.models import Act, BulkRun, Record, TransitionEnvelope
from workflow.pages.places import Places
from workflow.pages.user import signed_in
from workflow.queries import names
from workflow.queries.options import Option, option
from workflow.queries.search import as_uuid
from workflow.queries.subjects import subjects_of, visible
from workflow.queries.wording import told_error

_MOST = 200


@dataclass(frozen=True, kw_only=True)
class Row:
    """One chosen record, and what the transition would do to it; None: it does not start there."""

    record: Record
    status: str
    option: Option | None


def choose_page(*, request: HttpRequest, places: Places, address: str) -> HttpResponse:
    """Show what may be done with the chosen records, preview one transition, or prepare the run.

    Args:
        address: Name of the address of a run's page.

    Raises:
        PermissionDenied: The person may not act in bulk.
    """
    user = signed_in(request)
    if not rights.has(user, Right.BULK):
        raise PermissionDenied(_("This takes the permission workflow.bulk_transition."))
    records = _records(request)
    if not records:
        messages.warning(request, _("Choose at least one record first."))
        return redirect(places.records)
    transitions = _transitions(request, records)
    name = request.POST.get("transition", "")
    chosen = next((each for each, _number in transitions if each.name == name), None)
    if chosen is not None and "go" in request.POST:
        made = _prepare(request, records, chosen)
        if made is not None:
            return redirect(address, made.pk)
    return render(
        request,
        "escapement/bulk_choose.html",
        {
            "places": places,
            "now": clock.now(),
            "records": records,
            "transitions": transitions,
            "chosen": chosen,
            "rows": [] if chosen is None else _preview(request, records, chosen),
            "form": None if chosen is None else _form(request, chosen),
            "needs_reason": chosen is not None and chosen.reason is Reason.REQUIRED,
            "reason": request.POST.get("reason", ""),
        },
        status=422 if "go" in request.POST else 200,
    )


def _records(request: HttpRequest) -> list[Record]:
    keys = [key for key in map(as_uuid, request.POST.getlist("record")[:_MOST]) if key is not None]
    found = list(Record.objects.filter(pk__in=keys).order_by("status_since", "pk"))
    mine = visible(records=found, user=signed_in(request))
    return [record for record in found if record.pk in mine]


def _transitions(
    request: HttpRequest, records: list[Record]
) -> list[tuple[Transition[Any, Any], int]]:
    """Return what the person may ask for, and of how many of the records."""
    counted: Counter[str] = Counter()
    found: dict[str, Transition[Any, Any]] = {}
    for record in records:
        for transition in registry.latest(record.workflow).leaving(record.status):
            if transition.signature:
                continue  # each has to be signed for itself
            if not standing.denied(user=signed_in(request), transition=transition):
                found.setdefault(transition.name, transition)
                counted[transition.name] += 1
    return [(found[name], number) for name, number in counted.most_common()]


def _preview(
    request: HttpRequest, records: list[Record], transition: Transition[Any, Any]
) -> list[Row]:
    subjects = subjects_of(records)
    busy: dict[UUID, TransitionEnvelope] = {
        each.record_id: each
        for each in TransitionEnvelope.objects.in_flight().filter(record__in=records)
    }
    now = clock.now()
    makers = duties.makers_of((record.pk, transition) for record in records)
    rows = []
    for record in records:
        sources = {str(source.value) for source in transition.sources}
        found = None
        if record.status in sources:
            found = option(
                record=record,
                subject=subjects.get(record.pk),
                transition=transition,
                user=signed_in(request),
                in_flight=busy.get(record.pk),
                payload=_payload(request, transition),
                makers=makers.get(record.pk, {}),
                now=now,
            )
        rows.append(
            Row(record=record, status=names.status(record.workflow, record.status), option=found)
        )
    return rows


def _payload(request: HttpRequest, transition: Transition[Any, Any]) -> dict[str, Any]:
    fields = [] if transition.form is None else transition.form.base_fields
    return {name: request.POST[name] for name in fields if request.POST.get(name)}


def _form(request: HttpRequest, transition: Transition[Any, Any]) -> forms.Form:
    form = transition.form or forms.Form
    made: forms.Form = form(data=_payload(request, transition) if "go" in request.POST else None)
    return made


def _prepare(
    request: HttpRequest, records: list[Record], transition: Transition[Any, Any]
) -> BulkRun | None:
    if not _form(request, transition).is_valid():
        return None
    try:
        return bulk.prepare(
            act=Act.REQUEST,
            targets=[Target(record=record) for record in records],
            user=signed_in(request),
            reason=request.POST.get("reason", "").strip(),
            title=_("%(label)s: %(n)d records") % {"label": transition.label, "n": len(records)},
            now=clock.now(),
            transition=transition.name,
            payload=_payload(request, transition),
        )
    except InvalidRequest as error:
        messages.error(request, _("Nothing was done: %(error)s") % {"error": told_error(error)})
        return None
