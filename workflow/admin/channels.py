"""The downstreams, and what people hold up: pause with a reason and an end, resume."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_http_methods

from workflow.acts import rights
from workflow.acts.pause import lift, pause
from workflow.acts.rights import Right
from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.models import Pause, Scope
from workflow.pages.places import SUPPORT
from workflow.pages.user import signed_in
from workflow.queries.channels import doors
from workflow.queries.inbox import latest_workflows
from workflow.queries.wording import told_error

_MINUTES = {
    "15": timedelta(minutes=15),
    "60": timedelta(hours=1),
    "480": timedelta(hours=8),
    "1440": timedelta(days=1),
}


@require_http_methods(["GET", "HEAD", "POST"])
def channels(request: HttpRequest) -> HttpResponse:
    """Show all channels and pauses, or take a pause or its end."""
    user = signed_in(request)
    if not rights.has(user, Right.VIEW):
        raise PermissionDenied(_("This takes the permission workflow.view_record."))
    may_pause = rights.has(user, Right.PAUSE)
    now = clock.now()
    if request.method == "POST":
        if not may_pause:
            raise PermissionDenied(_("This takes the permission workflow.pause_work."))
        try:
            _press(request, now)
        except InvalidRequest as error:
            messages.error(
                request, _("Nothing was done: %(error)s") % {"error": told_error(error)}
            )
        return redirect("support:channels")
    return render(
        request,
        "escapement/channels.html",
        {
            "places": SUPPORT,
            "now": now,
            "doors": doors(now=now),
            "pauses": [
                each
                for each in Pause.objects.in_force(now=now).select_related("paused_by")
                if each.scope != Scope.CHANNEL
            ],
            "workflows": latest_workflows(),
            "may_pause": may_pause,
        },
    )


def _press(request: HttpRequest, now: datetime) -> None:
    scope, _colon, name = request.POST.get("what", "").partition(":")
    if scope not in Scope.values:
        raise InvalidRequest(
            "what", scope, gettext_noop("choose a channel, a transition or a workflow")
        )
    reason = request.POST.get("reason", "")
    user = signed_in(request)
    if request.POST.get("press") == "lift":
        lift(scope=Scope(scope), name=name, user=user, reason=reason, now=now)
        messages.success(request, _("%(name)s goes on.") % {"name": name})
        return
    length = _MINUTES.get(request.POST.get("minutes", ""))
    pause(
        scope=Scope(scope),
        name=name,
        user=user,
        reason=reason,
        until=None if length is None else now + length,
        now=now,
    )
    messages.success(request, _("%(name)s is paused. What is under way ends.") % {"name": name})
