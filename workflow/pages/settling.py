"""Settling a downstream call that waits for a person: it happened, it did not, or let it be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workflow.acts import effects, rights
from workflow.acts.rights import Right
from workflow.definition import InvalidRequest
from workflow.models import Doubt, EffectEntry, EffectState, Phase
from workflow.pages.acting import fence_of
from workflow.pages.places import Places
from workflow.pages.user import signed_in
from workflow.queries import names
from workflow.queries.effects import effects_of
from workflow.queries.wording import told, told_error
from workflow.queries.world import world

TEMPLATE = "escapement/settle.html"


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way out, and what it does."""

    name: str
    label: str
    says: str
    button: str
    takes_receipt: bool = False
    is_grave: bool = False
    right: Right = Right.SETTLE


def settle_page(
    *, request: HttpRequest, entry: EffectEntry, places: Places, now: datetime
) -> HttpResponse:
    """Show the ways out of a call that is in doubt or parked, or take one.

    Raises:
        Denied: The person may take none; the attempt was entered.
    """
    user = signed_in(request)
    offered = ways(entry)
    chosen = next((way for way in offered if way.name == request.POST.get("way")), None)
    rights.demand(
        user=user,
        right=Right.SETTLE if chosen is None else chosen.right,
        act=f"settle {entry.name}",
        record=entry.envelope.record,
        envelope=entry.envelope,
        now=now,
    )
    fault = ""
    if request.method == "POST":
        try:
            _take(request, entry, chosen, user, now)
        except (InvalidRequest, effects.NotApart) as error:
            fault = _("Nothing was done: %(error)s") % {"error": told_error(error)}
            entry = EffectEntry.objects.select_related("envelope__record").get(pk=entry.pk)
        else:
            messages.success(request, _("Settled. What follows is below."))
            return redirect(places.envelope, entry.envelope_id)
    found = effects_of([entry.envelope_id], world=world(now=now), now=now)[entry.envelope_id]
    return render(
        request,
        TEMPLATE,
        {
            "places": places,
            "now": now,
            "call": next(each for each in found if each.entry.pk == entry.pk),
            "entry": entry,
            "envelope": entry.envelope,
            "record": entry.envelope.record,
            "label": names.transition(entry.envelope.workflow, entry.envelope.transition),
            "ways": ways(entry),
            "barred": _barred(entry, user),
            "chosen": request.POST.get("way", ""),
            "reason": request.POST.get("reason", ""),
            "receipt": request.POST.get("receipt", ""),
            "fault": fault,
        },
        status=409 if fault else 200,
    )


def _barred(entry: EffectEntry, user: AbstractBaseUser) -> str:
    """Return why somebody else has to judge it; empty where this person may."""
    barred = effects.barred_from(entry=entry, user=user) if entry.is_stuck else None
    if barred is None:
        return ""
    return told(barred.message, template=barred.template, facts=barred.facts)


def ways(entry: EffectEntry) -> list[Way]:
    """Return the ways that are open for a call as it stands; none where no person is needed."""
    if not entry.is_stuck:
        return []
    found = []
    facts = {"channel": entry.channel, "key": entry.key}
    if entry.state == EffectState.IN_DOUBT:
        found += [
            Way(
                name="happened",
                label=_("It happened"),
                says=_(
                    "%(channel)s has it. The receipt is kept, nothing is sent, and what"
                    " follows goes on."
                )
                % facts,
                button=_("It happened"),
                takes_receipt=True,
            ),
            Way(
                name="did_not_happen",
                label=_("It did not happen"),
                says=_(
                    "%(channel)s does not have it and never will. It is sent now, under its"
                    " key %(key)s."
                )
                % facts,
                button=_("It did not happen; send it"),
            ),
        ]
    if entry.state == EffectState.PARKED or entry.recovery != Doubt.ASK:
        found.append(
            Way(
                name="retry",
                label=_("Send it again"),
                says=_("It is sent again under the same key %(key)s, with new attempts.") % facts,
                button=_("Send it again"),
                right=Right.RETRY,
            )
        )
    found.append(
        Way(
            name="give_up",
            label=_("Give it up"),
            says=_give_up(entry),
            button=_("Give it up"),
            is_grave=True,
        )
    )
    return found


def _give_up(entry: EffectEntry) -> str:
    match entry.phase:
        case Phase.BEFORE:
            return _(
                "It is not sent any more. Its transition ends without firing, and what was done"
                " before it is taken back."
            )
        case Phase.UNDO:
            return _(
                "It is not taken back. The other system keeps what was done there; the trail"
                " lists it."
            )
        case _:
            return _(
                "It is not sent any more. The transition has fired and stays so; later calls of"
                " this record go on."
            )


def _take(
    request: HttpRequest,
    entry: EffectEntry,
    way: Way | None,
    user: AbstractBaseUser,
    now: datetime,
) -> None:
    if fence_of(request) != entry.fence:
        raise effects.changed_since(entry=entry)
    if way is None:
        raise InvalidRequest(
            "way", request.POST.get("way", ""), gettext_noop("choose one of those offered")
        )
    more: dict[str, Any] = {}
    if way.takes_receipt:
        more["receipt"] = _receipt(request.POST.get("receipt", ""))
    performs: dict[str, Callable[..., object]] = {
        "happened": effects.happened,
        "did_not_happen": effects.did_not_happen,
        "retry": effects.retry,
        "give_up": effects.give_up,
    }
    performs[way.name](
        effect=entry.pk,
        fence=fence_of(request),
        user=user,
        reason=request.POST.get("reason", ""),
        now=now,
        **more,
    )


def _receipt(text: str) -> Mapping[str, Any]:
    """Return what proves it: a JSON object as it is; any other text as a reference."""
    text = text.strip()
    if not text:
        raise InvalidRequest(
            "receipt", text, gettext_noop("say what proves it, such as the payment's number")
        )
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return value if isinstance(value, dict) and value else {"reference": text[:500]}
