"""The page of a bulk act: what is meant, the next stage, progress, the outcome of each item."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from workflow.acts import bulk, rights
from workflow.acts.rights import Right
from workflow.engine import clock
from workflow.models import Act, BulkItem, BulkRun, BulkState, ItemState
from workflow.pages.places import DESK, Places
from workflow.pages.user import signed_in

_SHOWN = 200
_BREATH = 0.4
"""Seconds between two batches that a page asks for."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is, and as shares of a bar that is a hundred wide."""

    total: int
    done: int
    refused: int
    skipped: int
    waiting: int

    def share(self, number: int) -> float:
        """Return a number's share of the whole, in hundredths."""
        return round(100 * number / self.total, 2) if self.total else 0.0

    @property
    def done_width(self) -> float:
        """Width of what is done."""
        return self.share(self.done)

    @property
    def refused_width(self) -> float:
        """Width of what was refused."""
        return self.share(self.refused)

    @property
    def skipped_width(self) -> float:
        """Width of what was skipped."""
        return self.share(self.skipped)

    @property
    def refused_x(self) -> float:
        """Where the refused begin."""
        return self.done_width

    @property
    def skipped_x(self) -> float:
        """Where the skipped begin."""
        return self.done_width + self.refused_width


def run_page(*, request: HttpRequest, pk: UUID, places: Places) -> HttpResponse:
    """Show a run, or do what was pressed: allow, advance, stop.

    Raises:
        Http404: There is none that this person may see.
        PermissionDenied: They may look, and not act.
    """
    user = signed_in(request)
    run = BulkRun.objects.select_related("by").filter(pk=pk).first()
    if run is None or (places is DESK and run.by_id != user.pk):
        raise Http404(_("There is no such bulk act."))
    may_act = rights.has(user, Right.BULK) and (
        run.act == Act.REQUEST or rights.has(user, Right.RETRY)
    )
    if request.method == "POST":
        if not may_act or (run.act == Act.REQUEST and run.by_id != user.pk):
            raise PermissionDenied(_("This takes the permission workflow.bulk_transition."))
        _press(request, run)
        return redirect(request.path)
    return render(request, "escapement/bulk.html", _context(run, places, may_act=may_act))


def _press(request: HttpRequest, run: BulkRun) -> None:
    now = clock.now()
    match request.POST.get("press", ""):
        case "allow":
            seen = request.POST.get("allowed", "")
            if seen.isascii() and seen.isdigit() and len(seen) < 10:  # noqa: PLR2004
                allowed = bulk.allow(run=run, seen=int(seen))
                bulk.advance(run=allowed, user=signed_in(request), now=now)
        case "advance":
            bulk.advance(run=run, user=signed_in(request), now=now)
        case "stop":
            bulk.stop(run=run)


def _context(run: BulkRun, places: Places, *, may_act: bool) -> dict[str, object]:
    counted = dict(run.items.order_by().values_list("state").annotate(number=Count("pk")))
    numbers = Counter({str(state): number for state, number in counted.items()})
    total = sum(numbers.values())
    progress = Progress(
        total=total,
        done=numbers[ItemState.DONE],
        refused=numbers[ItemState.REFUSED],
        skipped=numbers[ItemState.SKIPPED],
        waiting=numbers[ItemState.WAITING],
    )
    items = list(
        BulkItem.objects.filter(run=run)
        .select_related("record", "envelope", "effect")
        .order_by("position")[:_SHOWN]
    )
    return {
        "places": places,
        "now": clock.now(),
        "run": run,
        "progress": progress,
        "items": items,
        "more": max(0, total - len(items)),
        "is_followed": any(
            (item.envelope is not None and item.envelope.is_in_flight)
            or (item.effect is not None and not (item.effect.is_final or item.effect.is_stuck))
            for item in items
            if item.state != ItemState.WAITING
        ),
        "next_stage": bulk.next_stage(run=run, total=total),
        "is_going": run.state == BulkState.GOING,
        "is_stopped": run.state == BulkState.STOPPED,
        "is_ready": run.state == BulkState.READY,
        "breath": _BREATH,
        "may_act": may_act,
    }
