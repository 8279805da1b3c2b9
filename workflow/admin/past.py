"""A record as it was at a time: by the query that answers the API, with its trail until then."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from audit.models import Entry
from workflow.admin import records
from workflow.admin.acts import admit
from workflow.definition import registry
from workflow.engine import clock
from workflow.pages.places import SUPPORT
from workflow.queries import names
from workflow.queries.as_of import as_of
from workflow.queries.lines import line_of
from workflow.queries.said import entries_said
from workflow.queries.values import personal, shown_of

_LINES = 300


@require_safe
def past(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a record as it was, at the end of the chosen second."""
    admit(request)
    record, now = records.find(pk), clock.now()
    text = request.GET.get("at", "").strip()
    at, fault = _moment(text, now)
    was = as_of(record=record, at=at)
    if was is None and not fault:
        fault = _("The record did not exist then; it was started %(when)s.") % {
            "when": timezone.localtime(record.created_at).strftime("%Y-%m-%d %H:%M:%S %Z")
        }
    entries = Entry.objects.filter(chain=record.pk, at__lte=at)
    found = [] if was is None else list(entries.order_by("-sequence")[: _LINES + 1])
    hidden = personal(record.workflow)
    return render(
        request,
        "escapement/past.html",
        {
            "places": SUPPORT,
            "now": now,
            "record": record,
            "at": at,
            "field_value": timezone.localtime(at).strftime("%Y-%m-%dT%H:%M:%S"),
            "zone": timezone.localtime(at).tzname(),
            "fault": fault,
            "was": was,
            "status": "" if was is None else names.status(record.workflow, was.status),
            "status_now": names.status(record.workflow, record.status),
            "fields": []
            if was is None
            else shown_of(registry.latest(record.workflow).subject, was.fields, hidden=hidden),
            "is_hidden": bool(hidden),
            "lines": [
                line_of(entry, workflow=record.workflow)
                for entry in entries_said(found[:_LINES], reveal=False)
            ],
            "more": len(found) > _LINES,
        },
        status=422 if fault and text else 200,
    )


def _moment(text: str, now: datetime) -> tuple[datetime, str]:
    """Return the chosen time, or now with what is wrong with the choice."""
    if not text:
        return now, ""
    try:
        at = parse_datetime(text)
        if at is None:
            raise ValueError(text)
        if timezone.is_naive(at):
            at = timezone.make_aware(at)
        at = at.astimezone(UTC)  # at the ends of the calendar there is none
        return at.replace(microsecond=at.microsecond or 999_999), ""
    except (ValueError, OverflowError):
        return now, _("“%(text)s” is no time; write it as 2026-03-01T14:05:00.") % {
            "text": text[:40]
        }
