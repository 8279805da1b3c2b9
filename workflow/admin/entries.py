"""The trail, as it was written."""

from __future__ import annotations

import json
from datetime import datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from audit.models import Entry
from workflow.admin.readonly import OwnPages
from workflow.engine import clock
from workflow.engine.trail import Action
from workflow.models import Record
from workflow.pages.csvs import export
from workflow.pages.places import SUPPORT
from workflow.queries import search
from workflow.queries.lines import line_of
from workflow.queries.said import entries_said
from workflow.queries.trail import NEWEST, entries

_SIZE = 50


@admin.register(Entry)
class EntryAdmin(OwnPages):
    """Every entry of every chain."""

    def listing(self, request: HttpRequest) -> HttpResponseBase:
        """Show, or export, the entries that were looked for."""
        text = search.cleaned(request.GET.get("q", ""))
        action = request.GET.get("action", "")
        action = action if action in {each.value for each in Action} else ""
        rows, is_bounded = entries(text=text, action=action)
        if request.GET.get("format") == "csv":
            return _csv(rows, clock.now())
        before = request.GET.get("before", "")
        if before.isascii() and before.isdigit() and len(before) < 19:  # noqa: PLR2004
            rows = rows.filter(id__lt=int(before))
        found = entries_said(rows.order_by("-id")[: _SIZE + 1], reveal=False)
        records = Record.objects.in_bulk([entry.chain for entry in found])
        shown = [(entry, _record(records, entry), _line(records, entry)) for entry in found]
        return render(
            request,
            "escapement/entries.html",
            {
                "places": SUPPORT,
                "now": clock.now(),
                "text": text,
                "action": action,
                "actions": [each.value for each in Action],
                "bound": NEWEST if is_bounded else 0,
                "rows": shown[:_SIZE],
                "before": found[_SIZE - 1].pk if len(found) > _SIZE else "",
                "is_first": not before,
            },
        )

    def page(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show one entry, to the last digit."""
        entry = Entry.objects.filter(pk=int(key)).first() if key.isdigit() else None
        if entry is None:
            raise Http404(_("There is no such entry."))
        record = Record.objects.filter(pk=entry.chain).first()
        (shown,) = entries_said([entry], reveal=False)
        evidence = json.loads(shown.evidence) if shown.evidence else {}
        return render(
            request,
            "escapement/entry.html",
            {
                "places": SUPPORT,
                "now": clock.now(),
                "entry": shown,
                "record": record,
                "line": line_of(shown, workflow=record.workflow if record else ""),
                "evidence": json.dumps(evidence, indent=2, ensure_ascii=False),
            },
        )


def _record(records: dict[object, Record], entry: Entry) -> Record | None:
    return records.get(entry.chain)


def _line(records: dict[object, Record], entry: Entry) -> object:
    record = records.get(entry.chain)
    return line_of(entry, workflow="" if record is None else record.workflow)


def _csv(rows: QuerySet[Entry], now: datetime) -> HttpResponseBase:
    names = (
        "id",
        "chain",
        "sequence",
        "at",
        "action",
        "actor",
        "reason",
        "old",
        "new",
        "transition_id",
        "correlation_id",
        "evidence",
        "previous",
        "digest",
    )
    return export(
        rows=rows.order_by("-id"),
        head=names,
        line=lambda row: [getattr(row, name) for name in names],
        name=f"trail-{now:%Y%m%d-%H%M%S}",
    )
