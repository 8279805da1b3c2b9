"""One declaration: its fields, what may be asked for, and what has happened."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.pages.choices import Choice, choices
from workflow.examples.declarations.pages.happened import happened
from workflow.examples.declarations.pages.user import signed_in
from workflow.models import TransitionEnvelope


@require_safe
@login_required
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show it to who may see it; for everybody else there is no such page."""
    return page(request, find(request, pk))


def find(request: HttpRequest, pk: int) -> Declaration:
    """Return a declaration that the user may see.

    Raises:
        Http404: There is none.
    """
    visible = Declaration.objects.visible_to(signed_in(request)).select_related(
        "record", "claimant", "pre_approver", "administrator", "budget_owner", "supervisor"
    )
    return get_object_or_404(visible, pk=pk, record__isnull=False)


def page(
    request: HttpRequest, declaration: Declaration, sent: Choice | None = None
) -> HttpResponse:
    """Render the page; with `sent`, what was just sent and could not be taken, with its faults."""
    in_flight = TransitionEnvelope.objects.in_flight().filter(record=declaration.record_id).first()
    offered = (
        [] if in_flight else choices(declaration=declaration, user=signed_in(request), sent=sent)
    )
    return render(
        request,
        "declarations/show.html",
        {
            "declaration": declaration,
            "in_flight": in_flight,
            "choices": offered,
            "happened": happened(declaration),
        },
        status=422 if sent else 200,
    )
