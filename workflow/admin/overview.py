"""The first page of support: is it well, and if not, where to press."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from workflow.acts import rights
from workflow.acts.rights import Right
from workflow.engine import clock
from workflow.pages.charts import bars, has_latency, lines
from workflow.pages.places import SUPPORT
from workflow.pages.user import signed_in
from workflow.queries.activity import SPANS, activity
from workflow.queries.backlog import backlog, sentence, workers
from workflow.queries.channels import doors
from workflow.queries.trouble import stalled, trouble
from workflow.queries.verified import verified
from workflow.worker.schedule import schedules

_GROUPS = 6


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show the overview to who may view records; to other staff, the tables they may see."""
    if not rights.has(signed_in(request), Right.VIEW):
        return admin.site.index(request)
    now = clock.now()
    waiting, there = backlog(now=now), workers(now=now)
    span = SPANS.get(request.GET.get("span", ""), SPANS["day"])
    done = activity(span=span, now=now)
    groups = trouble(now=now)
    needing = sum(group.number for group in groups if group.is_open)
    channels = doors(now=now)
    tone, words = sentence(
        backlog=waiting,
        workers=there,
        needing=needing,
        held=[door.name for door in channels if door.is_held],
    )
    return render(
        request,
        "escapement/overview.html",
        {
            "places": SUPPORT,
            "now": now,
            "tone": tone,
            "words": words,
            "backlog": waiting,
            "workers": there,
            "clusters": [(each, there.is_alive(each)) for each in there.clusters[:6]],
            "activity": done,
            "bars": bars(done),
            "lines": lines(done) if has_latency(done.buckets) else None,
            "spans": list(SPANS),
            "groups": groups[:_GROUPS],
            "more_groups": max(0, len(groups) - _GROUPS),
            "needing": needing,
            "stalled": stalled(now=now, at_most=5),
            "doors": channels,
            "schedules": schedules(now=now),
            "verified": verified(now=now),
            "doubts": sum(group.number for group in groups if group.is_doubt),
        },
    )
