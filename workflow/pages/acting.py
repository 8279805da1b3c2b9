"""Retry and cancel: the consequence first, then the reason, then the act, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflow.acts import rights
from workflow.acts.cancel import cancel
from workflow.acts.resume import resume
from workflow.acts.rights import Right
from workflow.definition import InvalidRequest
from workflow.engine.backoff import policy
from workflow.models import State, TransitionEnvelope
from workflow.pages.places import Places
from workflow.pages.user import signed_in
from workflow.queries import names
from workflow.queries.stall import world
from workflow.queries.verdict import of_envelope

TEMPLATE = "escapement/act.html"
_LONGEST = 10_000


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """What an act does, before anybody does it."""

    title: str
    button: str
    says: tuple[str, ...]
    obstacle: str = ""
    """Why it cannot be done now; empty: it can."""

    is_grave: bool = False


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
    if act not in ("retry", "cancel"):
        raise Http404(_("There is no such act."))
    user = signed_in(request)
    rights.demand(
        user=user, right=Right.RETRY, act=act, record=envelope.record, envelope=envelope, now=now
    )
    fault = ""
    reason = request.POST.get("reason", "").strip()[:_LONGEST]
    if request.method == "POST":
        perform = resume if act == "retry" else cancel
        try:
            perform(
                transition_id=envelope.pk,
                user=user,
                reason=reason,
                now=now,
                fence=_fence(request.POST.get("fence", "")),
            )
        except InvalidRequest as error:
            fault = _("Nothing was done: %(error)s") % {"error": error}
            envelope.refresh_from_db()
        else:
            done = _("Set going again.") if act == "retry" else _("Cancelled.")
            messages.success(request, done)
            return redirect(places.envelope, envelope.pk)
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
            "verdict": of_envelope(envelope=envelope, world=world(now=now), now=now),
            "consequence": consequence(envelope=envelope, act=act),
            "fault": fault,
            "reason": reason,
        },
        status=409 if fault else 200,
    )


def consequence(*, envelope: TransitionEnvelope, act: str) -> Consequence:
    """Return what an act would do to an envelope, and why not, where it would not."""
    label = names.transition(envelope.workflow, envelope.transition)
    if act == "retry":
        most = policy(envelope).attempts
        return Consequence(
            title=_("Retry “%(label)s”") % {"label": label},
            button=_("Retry now"),
            says=(
                _("It is tried again under the same transition id, so nothing can happen twice."),
                ngettext("It gets %(n)d new attempt.", "It gets %(n)d new attempts.", most)
                % {"n": most},
                _("Its guards are asked again, on the record as it is then."),
            ),
            obstacle=""
            if envelope.state == State.PARKED
            else _("Only a parked one can be retried; it is %(state)s.")
            % {"state": envelope.get_state_display().lower()},
        )
    return Consequence(
        title=_("Cancel “%(label)s”") % {"label": label},
        button=_("Cancel it for good"),
        says=(
            _("It will never fire. The record stays in its status, free for other requests."),
            _("Its transition id stays used: the same request sent again gets this answer."),
        ),
        obstacle=""
        if envelope.state in (State.SCHEDULED, State.WAITING, State.PARKED)
        else _("Only one that no worker holds can be cancelled; it is %(state)s.")
        % {"state": envelope.get_state_display().lower()},
        is_grave=True,
    )


def _fence(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004  (fits 32 bits)
        raise InvalidRequest("fence", text, "is no number; load the page again")
    return int(text)
