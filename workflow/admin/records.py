"""Records: the list, and the page that says why."""

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
from workflow.models import Record
from workflow.pages import periods
from workflow.pages.csvs import export
from workflow.pages.paging import page
from workflow.pages.places import SUPPORT
from workflow.pages.record import record_page
from workflow.pages.user import signed_in
from workflow.queries import names, search
from workflow.queries.counting import count
from workflow.queries.inbox import latest_workflows
from workflow.queries.search import as_uuid


@admin.register(Record)
class RecordAdmin(OwnPages):
    """Every record of every workflow."""

    def listing(self, request: HttpRequest) -> HttpResponseBase:
        """Show, or export, the records that were looked for."""
        now = clock.now()
        rows, chosen = _chosen(request)
        if request.GET.get("format") == "csv":
            return _csv(rows, now)
        found = page(rows, by="status_since", after=request.GET.get("after", ""))
        return render(
            request,
            "escapement/records.html",
            {
                "places": SUPPORT,
                "now": now,
                **chosen,
                "page": found,
                "number": count(rows),
                "quick": periods.quick(periods.days(request.GET), now=now),
                "workflows": latest_workflows(),
                "statuses": [
                    (value, names.status(each.name, value))
                    for each in latest_workflows()
                    for value in (str(status.value) for status in each.statuses)
                    if chosen["workflow"] in ("", each.name)
                ],
                "may_bulk": rights.has(signed_in(request), Right.BULK),
            },
        )

    def page(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show one record."""
        context = record_page(request=request, record=find(key), places=SUPPORT, now=clock.now())
        context["verdict_acts"] = "escapement/_record_acts.html"
        return render(request, "escapement/record.html", context)


def find(key: object) -> Record:
    """Return the record of a key.

    Raises:
        Http404: There is none.
    """
    pk = as_uuid(str(key))
    found = None if pk is None else Record.objects.filter(pk=pk).first()
    if found is None:
        raise Http404(_("There is no such record."))
    return found


def _chosen(request: HttpRequest) -> tuple[QuerySet[Record], dict[str, str]]:
    text = search.cleaned(request.GET.get("q", ""))
    workflow = request.GET.get("workflow", "")
    status = request.GET.get("status", "")[:64]
    rows = search.records(text=text)
    known = registry.versions()
    if workflow in known:
        rows = rows.filter(workflow=workflow)
    else:
        workflow = ""
    if status and "\x00" not in status:
        # The index leads with the workflow; where only one has the status, it is meant.
        having = [each.name for each in latest_workflows() if status in each.status_values]
        rows = rows.filter(status=status)
        if not workflow and len(having) == 1:
            rows = rows.filter(workflow=having[0])
    period = periods.days(request.GET).period
    if period.start is not None:
        rows = rows.filter(status_since__gte=period.start)
    if period.end is not None:
        rows = rows.filter(status_since__lt=period.end)
    return rows, {"text": text, "workflow": workflow, "status": status}


def _csv(rows: QuerySet[Record], now: datetime) -> HttpResponseBase:
    return export(
        rows=rows.order_by("-status_since", "-pk"),
        head=("workflow", "reference", "status", "version", "status_since", "created_at", "id"),
        line=lambda row: (
            row.workflow,
            row.reference,
            row.status,
            row.version,
            row.status_since,
            row.created_at,
            row.pk,
        ),
        name=f"records-{now:%Y%m%d-%H%M%S}",
    )
