"""What needs a person, by cause: who looks after it, what is known, and the way out."""

from __future__ import annotations

import uuid
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from audit import chain
from workflow.acts import bulk, rights
from workflow.acts.bulk import Target
from workflow.acts.rights import Right
from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.engine.request import actor_of
from workflow.models import (
    Act,
    BulkRun,
    Cause,
    EffectState,
    Phase,
)
from workflow.pages.places import SUPPORT
from workflow.pages.user import signed_in
from workflow.queries import names
from workflow.queries.counting import Count, count
from workflow.queries.trouble import (
    NO_EFFECT,
    effects_of_cause,
    of_cause,
    stalled,
    trouble,
)
from workflow.queries.wording import told_error

_SHOWN = 50
_RUNS = 10
_CHAIN = UUID("6e0f5f0a-1c5b-4a3c-9d53-0f3f6d1f7c11")
"""Namespace of the chains on which notes about causes are entered."""


@require_safe
def attention(request: HttpRequest) -> HttpResponse:
    """Show all causes."""
    _admit(request)
    now = clock.now()
    return render(
        request,
        "escapement/attention.html",
        {
            "places": SUPPORT,
            "now": now,
            "groups": trouble(now=now),
            "stalled": stalled(now=now),
            "runs": list(BulkRun.objects.select_related("by")[:_RUNS]),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def cause(
    request: HttpRequest, workflow: str, transition: str, effect: str, code: str
) -> HttpResponse:
    """Show one cause with its envelopes; take its note, or prepare a bulk act on all of them."""
    _admit(request)
    now = clock.now()
    effect = "" if effect == NO_EFFECT else effect
    key = {"workflow": workflow, "transition": transition, "effect": effect, "code": code}
    if request.method == "POST":
        return _press(request, key, now)
    calls = effects_of_cause(**key)
    rows = of_cause(workflow=workflow, transition=transition, code=code)
    return render(
        request,
        "escapement/cause.html",
        {
            "places": SUPPORT,
            "now": now,
            **key,
            "label": names.transition(workflow, transition),
            "cause": Cause.objects.select_related("owner").filter(**key).first(),
            "number": _number(key),
            "rows": [] if effect else list(rows.select_related("record")[:_SHOWN]),
            "calls": list(calls.select_related("envelope__record")[:_SHOWN]) if effect else [],
            "waiting": count(calls) if effect else None,
            "owners": get_user_model()._default_manager.filter(is_staff=True, is_active=True)[
                :200
            ],
            "may_note": request.user.has_perm("workflow.change_cause"),
            "may_settle": rights.has(signed_in(request), Right.SETTLE),
            "may_retry": rights.has(signed_in(request), Right.RETRY),
            "may_bulk": rights.has(signed_in(request), Right.BULK),
        },
    )


def _press(request: HttpRequest, key: dict[str, str], now: datetime) -> HttpResponse:
    back = reverse("support:cause", kwargs={**key, "effect": key["effect"] or NO_EFFECT})
    if request.POST.get("press") == "note":
        if not request.user.has_perm("workflow.change_cause"):
            raise PermissionDenied(_("This takes the permission workflow.change_cause."))
        _note(request, key, now)
        messages.success(request, _("Kept. It stays here when these are retried."))
        return redirect(back)
    user = signed_in(request)
    if not (rights.has(user, Right.BULK) and rights.has(user, Right.RETRY)):
        raise PermissionDenied(
            _("This takes the permissions workflow.bulk_transition and workflow.retry_transition.")
        )
    act = Act.CANCEL if request.POST.get("press") == "cancel" else Act.RETRY
    targets = _targets(key, act)
    try:
        run = bulk.prepare(
            act=act,
            targets=targets,
            user=user,
            reason=request.POST.get("reason", "").strip(),
            title=_("%(act)s “%(label)s” (%(code)s): %(n)d")
            % {
                "act": act.label,
                "label": names.transition(key["workflow"], key["transition"]),
                "code": key["code"],
                "n": len(targets),
            },
            now=now,
            rate=_rate(request.POST.get("rate", "")),
        )
    except InvalidRequest as error:
        messages.error(request, _("Nothing was done: %(error)s") % {"error": told_error(error)})
        return redirect(back)
    return redirect("support:bulk", run.pk)


def _targets(key: dict[str, str], act: Act) -> list[Target]:
    """Return what a bulk act would be done to: parked envelopes, or parked calls."""
    if not key["effect"]:
        rows = of_cause(workflow=key["workflow"], transition=key["transition"], code=key["code"])
        return [
            Target(record=each.record, envelope=each)
            for each in rows.select_related("record")[: bulk.MOST]
        ]
    calls = effects_of_cause(**key).filter(state=EffectState.PARKED)
    if act == Act.CANCEL:
        calls = calls.filter(phase=Phase.BEFORE)
    return [
        Target(
            record=each.envelope.record,
            envelope=each.envelope,
            effect=each if act == Act.RETRY else None,
        )
        for each in calls.select_related("envelope__record")[: bulk.MOST]
    ]


def _number(key: dict[str, str]) -> Count:
    """Return how many a bulk retry would be about."""
    if key["effect"]:
        return count(effects_of_cause(**key).filter(state=EffectState.PARKED), at_most=bulk.MOST)
    rows = of_cause(workflow=key["workflow"], transition=key["transition"], code=key["code"])
    return count(rows, at_most=bulk.MOST)


@transaction.atomic
def _note(request: HttpRequest, key: dict[str, str], now: datetime) -> None:
    """Keep owner and note; what was there before is in the trail."""
    user = signed_in(request)
    text = request.POST.get("note", "").replace("\x00", "").strip()[:5000]
    owner = request.POST.get("owner", "")
    found = (
        get_user_model()._default_manager.filter(pk=int(owner), is_staff=True).first()
        if owner.isascii() and owner.isdigit() and len(owner) < 10  # noqa: PLR2004
        else None
    )
    actor = actor_of(user)
    row, _is_new = Cause.objects.select_for_update().get_or_create(
        **key, defaults={"changed_at": now, "changed_by": actor.label}
    )
    before = row.note
    row.note, row.owner, row.changed_at, row.changed_by = text, found, now, actor.label
    row.save()
    chain.append(
        [
            chain.Note(
                chain=uuid.uuid5(_CHAIN, "/".join(key.values())),
                at=now,
                action="noted",
                actor_id=actor.id or "",
                actor=actor.label,
                reason=text,
                evidence={
                    **key,
                    "before": before,
                    "owner": "" if found is None else found.get_username(),
                },
            )
        ]
    )


def _rate(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 50  # noqa: PLR2004


def _admit(request: HttpRequest) -> None:
    if not rights.has(signed_in(request), Right.VIEW):
        raise PermissionDenied(_("This takes the permission workflow.view_record."))
