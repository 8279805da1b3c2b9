"""One declaration: the engine's page of its record, under the declaration's own address."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from workflow.engine import clock
from workflow.examples.declarations.models import Declaration
from workflow.pages.places import DESK
from workflow.pages.record import record_page
from workflow.pages.user import signed_in


@require_safe
@login_required
@never_cache
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show it to who may see it; for everybody else there is no such page."""
    visible = Declaration.objects.visible_to(signed_in(request)).select_related("record")
    declaration = get_object_or_404(visible, pk=pk, record__isnull=False)
    record = declaration.record
    assert record is not None, "they were asked for"
    context = record_page(request=request, record=record, places=DESK, now=clock.now())
    return render(request, "declarations/show.html", {**context, "declaration": declaration})
