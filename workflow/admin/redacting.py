"""Erasing a personal value from a record's trail: what is held, what follows, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.http import require_http_methods

from audit import personal
from audit.models import Entry
from workflow.acts import rights
from workflow.acts.rights import Denied, Right
from workflow.admin import records
from workflow.admin.acts import admit
from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.evidence.redact import redact
from workflow.models import Record
from workflow.pages.places import SUPPORT
from workflow.pages.user import signed_in
from workflow.queries.lines import Line, line_of
from workflow.queries.said import entries_said
from workflow.queries.wording import told_error

_ENTRIES = 500


@dataclass(frozen=True, kw_only=True)
class Held:
    """One personal value that an entry names and that is still there."""

    choice: str
    """Sequence and part, as the form sends them."""

    line: Line
    part: str
    places: int
    """How many of the entries that are read say the same."""


@require_http_methods(["GET", "HEAD", "POST"])
def redacting(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show what can be erased and what that does, or erase it."""
    admit(request)
    record, now, user = records.find(pk), clock.now(), signed_in(request)
    try:
        rights.demand(user=user, right=Right.REDACT, act="redact", record=record, now=now)
    except Denied as denied:
        raise PermissionDenied(str(denied)) from denied
    fault = ""
    if request.method == "POST":
        try:
            sequence, part = _choice(request.POST.get("what", ""))
            digests = redact(
                record=record.pk,
                sequence=sequence,
                part=part,
                user=user,
                reason=request.POST.get("reason", "")[:10_000],
                now=now,
            )
        except InvalidRequest as error:
            fault = _("Nothing was done: %(error)s") % {"error": told_error(error)}
        else:
            messages.success(
                request,
                ngettext(
                    "Erased: %(n)d place holds only a digest from now on.",
                    "Erased: %(n)d places hold only a digest from now on.",
                    len(digests),
                )
                % {"n": len(digests)},
            )
            return redirect(SUPPORT.record, record.pk)
    return render(
        request,
        "escapement/redact.html",
        {
            "places": SUPPORT,
            "now": now,
            "record": record,
            "held": held_in(record),
            "fault": fault,
            "chosen": request.POST.get("what", ""),
            "reason": request.POST.get("reason", ""),
        },
        status=409 if fault else 200,
    )


def held_in(record: Record) -> list[Held]:
    """Return the personal values that the trail still has, one for each value, unread."""
    entries = list(Entry.objects.filter(chain=record.pk).order_by("-sequence")[:_ENTRIES])
    named = {entry.pk: personal.digests_in(entry) for entry in entries}
    known = personal.values({each for parts in named.values() for each in parts.values()})
    return list(_one_a_value(record, entries, named, known))


def _one_a_value(
    record: Record,
    entries: list[Entry],
    named: dict[int, dict[str, str]],
    known: dict[str, str],
) -> Iterable[Held]:
    places: dict[str, int] = {}
    for parts in named.values():
        for digest in parts.values():
            if digest in known:
                places[known[digest]] = places.get(known[digest], 0) + 1
    told: set[str] = set()
    for entry, shown in zip(entries, entries_said(entries, reveal=False), strict=True):
        for part, digest in named[entry.pk].items():
            value = known.get(digest)
            if value is not None and value not in told:
                told.add(value)
                yield Held(
                    choice=f"{entry.sequence} {part}",
                    line=line_of(shown, workflow=record.workflow),
                    part=part,
                    places=places[value],
                )


def _choice(text: str) -> tuple[int, str]:
    sequence, _space, part = text.partition(" ")
    if not (sequence.isascii() and sequence.isdigit() and len(sequence) < 10 and part):  # noqa: PLR2004
        raise InvalidRequest("what", text, gettext_noop("choose one of those listed"))
    return int(sequence), part
