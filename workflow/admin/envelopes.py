"""Requested transitions: the list, and the page of each."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from workflow.acts import rights
from workflow.acts.rights import Right
from workflow.admin.readonly import OwnPages
from workflow.definition import registry
from workflow.engine import clock
from workflow.models import State, TransitionEnvelope
from workflow.pages import periods
from workflow.pages.csvs import export
from workflow.pages.envelope import envelope_page
from workflow.pages.paging import page
from workflow.pages.places import SUPPORT
from workflow.pages.user import signed_in
from workflow.queries import search
from workflow.queries.counting import count
from workflow.queries.inbox import latest_workflows
from workflow.queries.said import put_back, translate_refusals
from workflow.queries.search import Kind, as_uuid


@admin.register(TransitionEnvelope)
class EnvelopeAdmin(OwnPages):
    """Every envelope."""

    def listing(self, request: HttpRequest) -> HttpResponseBase:
        """Show, or export, the transitions that were looked for."""
        now = clock.now()
        rows, kind, chosen = _chosen(request)
        rows = rows.select_related("record")
        if request.GET.get("format") == "csv":
            return _csv(rows, now)
        found = page(rows, by="requested_at", after=request.GET.get("after", ""))
        put_back(found.rows, reveal=False)
        translate_refusals(found.rows, reveal=False)
        return render(
            request,
            "escapement/envelopes.html",
            {
                "places": SUPPORT,
                "now": now,
                **chosen,
                "kind": kind.label if chosen["text"] else "",
                "found_nothing": kind is Kind.NOTHING,
                "page": found,
                "number": count(rows),
                "quick": periods.quick(periods.days(request.GET), now=now),
                "workflows": latest_workflows(),
                "states": State.choices,
                "may_bulk": rights.has(signed_in(request), Right.BULK),
            },
        )

    def page(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show one requested transition."""
        context = envelope_page(
            request=request, envelope=find(key), places=SUPPORT, now=clock.now()
        )
        context["verdict_acts"] = "escapement/_envelope_acts.html"
        return render(request, "escapement/envelope.html", context)


def find(key: object) -> TransitionEnvelope:
    """Return the envelope of a transition id, with its record.

    Raises:
        Http404: There is none.
    """
    transition_id = as_uuid(str(key))
    envelopes = TransitionEnvelope.objects.select_related("record")
    found = envelopes.filter(pk=transition_id).first() if transition_id else None
    if found is None:
        raise Http404(_("There is no such transition."))
    return found


def _chosen(request: HttpRequest) -> tuple[QuerySet[TransitionEnvelope], Kind, dict[str, str]]:
    text = search.cleaned(request.GET.get("q", ""))
    state = request.GET.get("state", "")
    workflow = request.GET.get("workflow", "")
    rows, kind = search.envelopes(text=text)
    if state in State.values:
        rows = rows.filter(state=state)
        if state in (State.WAITING, State.RUNNING, State.SCHEDULED):
            rows = rows.filter(due_at__isnull=False)  # as the queue's index has it
    else:
        state = ""
    if workflow in registry.versions():
        rows = rows.filter(workflow=workflow)
    else:
        workflow = ""
    rows = search.within(rows, periods.days(request.GET).period)
    return rows, kind, {"text": text, "state": state, "workflow": workflow}


def _csv(rows: QuerySet[TransitionEnvelope], now: datetime) -> HttpResponseBase:
    return export(
        rows=rows.order_by("-requested_at", "-pk"),
        head=(
            "transition_id",
            "workflow",
            "reference",
            "transition",
            "target",
            "state",
            "code",
            "message",
            "actor",
            "origin",
            "attempts",
            "requested_at",
            "finished_at",
            "correlation_id",
        ),
        line=lambda row: (
            row.pk,
            row.workflow,
            row.record.reference,
            row.transition,
            row.target,
            row.state,
            row.code,
            row.message,
            row.actor_label,
            row.origin,
            row.attempts,
            row.requested_at,
            row.finished_at,
            row.correlation_id,
        ),
        name=f"transitions-{now:%Y%m%d-%H%M%S}",
    )
