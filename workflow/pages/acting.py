"""Retry, cancel, close by force: the consequence first, then the reason, then the act, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from workflow.acts import rights
from workflow.acts.cancel import cancel
from workflow.acts.close_by_force import close_by_force
from workflow.acts.effects import NotApart
from workflow.acts.resume import resume
from workflow.acts.rights import Right
from workflow.definition import InvalidRequest
from workflow.models import EffectEntry, TransitionEnvelope
from workflow.pages.consequence import Consequence, of_cancel, of_force, of_retry
from workflow.pages.places import Places
from workflow.pages.user import signed_in
from workflow.queries import names
from workflow.queries.verdict import of_envelope
from workflow.queries.wording import told_error
from workflow.queries.world import world

TEMPLATE = "escapement/act.html"


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One kind of act: what it takes, what it says, what it does, what is said afterwards."""

    right: Right
    consequence: Callable[..., Consequence]
    perform: Callable[..., Any]
    done: Any


DEEDS = {
    "retry": Deed(
        right=Right.RETRY,
        consequence=of_retry,
        perform=resume,
        done=gettext_lazy("Set going again."),
    ),
    "cancel": Deed(
        right=Right.RETRY,
        consequence=of_cancel,
        perform=cancel,
        done=gettext_lazy("Cancelled, or on its way there: see below."),
    ),
    "force": Deed(
        right=Right.SETTLE,
        consequence=of_force,
        perform=close_by_force,
        done=gettext_lazy("Closed by force; what was not taken back is listed below."),
    ),
}


def act_page(
    *,
    request: HttpRequest,
    envelope: TransitionEnvelope,
    act: str,
    places: Places,
    now: datetime,
) -> HttpResponse:
    """Show what the act would do, or do it.

    Raises:
        Http404: There is no such act.
        Denied: The person may not; the attempt was entered.
    """
    deed = DEEDS.get(act)
    if deed is None:
        raise Http404(_("There is no such act."))
    user = signed_in(request)
    rights.demand(
        user=user, right=deed.right, act=act, record=envelope.record, envelope=envelope, now=now
    )
    fault = ""
    reason = request.POST.get("reason", "").strip()
    if request.method == "POST":
        try:
            deed.perform(
                transition_id=envelope.pk,
                user=user,
                reason=reason,
                now=now,
                fence=fence_of(request),
            )
        except (InvalidRequest, NotApart) as error:
            fault = _("Nothing was done: %(error)s") % {"error": told_error(error)}
            envelope.refresh_from_db()
        else:
            messages.success(request, deed.done)
            return redirect(places.envelope, envelope.pk)
    effects = list(EffectEntry.objects.filter(envelope=envelope.pk).order_by("pk"))
    verdict = of_envelope(envelope=envelope, effects=effects, world=world(now=now), now=now)
    return render(
        request,
        TEMPLATE,
        {
            "places": places,
            "now": now,
            "act": act,
            "envelope": envelope,
            "record": envelope.record,
            "label": names.transition(envelope.workflow, envelope.transition),
            "verdict": verdict,
            "consequence": deed.consequence(envelope=envelope, effects=effects),
            "fault": fault,
            "reason": reason,
        },
        status=409 if fault else 200,
    )


def fence_of(request: HttpRequest) -> int:
    """Return the fence that the form carries: what the person saw.

    Raises:
        InvalidRequest: It carries none.
    """
    text = request.POST.get("fence", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004  (fits 32 bits)
        raise InvalidRequest("fence", text, gettext_noop("is no number; load the page again"))
    return int(text)
