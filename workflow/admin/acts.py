"""What support does to one record or envelope: ask, retry, cancel, look at personal data."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from workflow.acts import rights
from workflow.acts.reveal import reveal as enter_look
from workflow.acts.rights import Denied, Right
from workflow.admin import envelopes, records
from workflow.engine import clock
from workflow.models import EffectEntry
from workflow.pages import bulk, bulk_request
from workflow.pages.acting import act_page
from workflow.pages.asking import ask_page
from workflow.pages.places import SUPPORT
from workflow.pages.record import record_page
from workflow.pages.settling import settle_page
from workflow.pages.user import signed_in


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, pk: UUID, transition: str) -> HttpResponse:
    """Ask for a transition of a record."""
    admit(request)
    try:
        return ask_page(
            request=request,
            record=records.find(pk),
            name=transition,
            places=SUPPORT,
            now=clock.now(),
        )
    except Denied as denied:
        raise PermissionDenied(str(denied)) from denied


@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, pk: UUID, act: str) -> HttpResponse:
    """Retry or cancel an envelope."""
    admit(request)
    try:
        return act_page(
            request=request,
            envelope=envelopes.find(pk),
            act=act,
            places=SUPPORT,
            now=clock.now(),
        )
    except Denied as denied:
        raise PermissionDenied(str(denied)) from denied


@require_http_methods(["GET", "HEAD", "POST"])
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Settle a call that waits for a person."""
    admit(request)
    entry = EffectEntry.objects.select_related("envelope__record").filter(pk=pk).first()
    if entry is None:
        raise Http404(_("There is no such call."))
    try:
        return settle_page(request=request, entry=entry, places=SUPPORT, now=clock.now())
    except Denied as denied:
        raise PermissionDenied(str(denied)) from denied


@require_POST
def reveal(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a record with its personal data, once, and enter that somebody looked."""
    admit(request)
    record, now = records.find(pk), clock.now()
    reason = request.POST.get("reason", "").strip()[:500]
    try:
        if not reason:
            raise PermissionDenied(_("Say why you look; it goes into the trail."))
        enter_look(record=record, user=signed_in(request), reason=reason, now=now)
    except Denied as denied:
        raise PermissionDenied(str(denied)) from denied
    context = record_page(request=request, record=record, places=SUPPORT, now=now, revealed=True)
    answer = render(request, "escapement/record.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
def run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a bulk act and do what was pressed."""
    admit(request)
    return bulk.run_page(request=request, pk=pk, places=SUPPORT)


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Choose one transition for many records."""
    admit(request)
    return bulk_request.choose_page(request=request, places=SUPPORT, address="support:bulk")


def admit(request: HttpRequest) -> None:
    """Let in who may view records.

    Raises:
        PermissionDenied: They may not.
    """
    if not rights.has(signed_in(request), Right.VIEW):
        raise PermissionDenied(_("This takes the permission workflow.view_record."))
