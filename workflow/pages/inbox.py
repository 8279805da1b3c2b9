"""What waits for me, and how what I asked for stands."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from workflow.acts import rights
from workflow.acts.rights import Right
from workflow.engine import clock
from workflow.pages.paging import page
from workflow.pages.places import DESK
from workflow.pages.user import signed_in
from workflow.queries import inbox, search
from workflow.queries.counting import count
from workflow.queries.said import translate_refusals

_ASKED = 15


@require_safe
@login_required
@never_cache
def show(request: HttpRequest) -> HttpResponse:
    """Show the inbox."""
    user, now = signed_in(request), clock.now()
    text = search.cleaned(request.GET.get("q", ""))
    status = request.GET.get("status", "").replace("\x00", "")[:64]
    waiting = inbox.waiting_for(user)
    if text:
        waiting = waiting.filter(reference__startswith=text)
    if status:
        waiting = waiting.filter(status=status)
    found = page(
        waiting,
        by="status_since",
        after=request.GET.get("after", ""),
        newest_first=False,
        size=25,
    )
    asked = inbox.asked_by(user)
    latest = list(asked[:_ASKED])
    translate_refusals(latest, reveal=True)
    steps = inbox.steps_of(user)
    return render(
        request,
        "escapement/inbox.html",
        {
            "places": DESK,
            "now": now,
            "text": text,
            "status": status,
            "statuses": sorted(
                {(value, workflow) for workflow, by in steps.items() for value in by}
            ),
            "page": found,
            "waiting": inbox.as_waiting(found.rows, user, now=now),
            "number": count(waiting, at_most=1000),
            "asked": latest,
            "unsettled": count(inbox.unsettled(asked), at_most=1000),
            "may_bulk": rights.has(user, Right.BULK),
        },
    )
