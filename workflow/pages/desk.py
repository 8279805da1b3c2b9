"""The desk: what internal users see, who are no staff. Each page respects who may see what."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from workflow.acts.rights import Denied
from workflow.engine import clock
from workflow.models import Record, TransitionEnvelope
from workflow.pages.asking import ask_page
from workflow.pages.bulk import run_page
from workflow.pages.bulk_request import choose_page
from workflow.pages.envelope import envelope_page
from workflow.pages.places import DESK
from workflow.pages.record import record_page
from workflow.pages.user import signed_in
from workflow.queries.subjects import visible


@require_safe
@login_required
@never_cache
def record(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a record to who may see it; for everybody else there is no such page."""
    found = _visible(request, Record.objects.filter(pk=pk).first())
    context = record_page(request=request, record=found, places=DESK, now=clock.now())
    return render(request, "escapement/record.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def ask(request: HttpRequest, pk: UUID, transition: str) -> HttpResponse:
    """Ask for a transition of a record."""
    found = _visible(request, Record.objects.filter(pk=pk).first())
    try:
        return ask_page(
            request=request, record=found, name=transition, places=DESK, now=clock.now()
        )
    except Denied as denied:
        raise PermissionDenied(str(denied)) from denied


@require_safe
@login_required
@never_cache
def envelope(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a requested transition to who asked for it, or may see its record."""
    found = TransitionEnvelope.objects.select_related("record").filter(pk=pk).first()
    if found is None:
        raise Http404(_("There is no such transition."))
    if found.actor_id != signed_in(request).pk:
        _visible(request, found.record)
    context = envelope_page(request=request, envelope=found, places=DESK, now=clock.now())
    return render(request, "escapement/envelope.html", context)


def _visible(request: HttpRequest, found: Record | None) -> Record:
    if found is None or found.pk not in visible(records=[found], user=signed_in(request)):
        raise Http404(_("There is no such record, or it is not yours to see."))
    return found


@require_POST
@login_required
@never_cache
def choose(request: HttpRequest) -> HttpResponse:
    """Choose one transition for many records."""
    return choose_page(request=request, places=DESK, address="desk:run")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one's own bulk act and do what was pressed."""
    return run_page(request=request, pk=pk, places=DESK)
