"""The list of declarations: mine or all that I may see, by status, with a plain search."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.statuses import Status
from workflow.pages.user import signed_in

_A_PAGE = 25
_LONGEST_SEARCH = 100


@require_safe
@login_required
def listing(request: HttpRequest) -> HttpResponse:
    """Show a page of the list."""
    user = signed_in(request)
    sees_all = user.has_perm("declarations.view_declaration")
    whose = request.GET.get("whose", "all" if sees_all else "mine")
    found = Declaration.objects.visible_to(user)
    if whose == "mine":
        found = found.filter(claimant=user.pk)
    status = request.GET.get("status", "")
    if status in Status.values:
        found = found.filter(record__status=status)
    search = request.GET.get("search", "").replace("\x00", "").strip()[:_LONGEST_SEARCH]
    page = Paginator(
        _matching(found, search).select_related("record", "claimant"), _A_PAGE
    ).get_page(request.GET.get("page"))
    kept = request.GET.copy()
    kept.pop("page", None)
    return render(
        request,
        "declarations/list.html",
        {
            "page": page,
            "whose": whose,
            "status": status,
            "search": search,
            "sees_all": sees_all,
            "statuses": Status.choices,
            "may_declare": user.has_perm("declarations.submit_declaration"),
            "kept": kept.urlencode(),
        },
    )


def _matching(found: QuerySet[Declaration], search: str) -> QuerySet[Declaration]:
    if not search:
        return found
    return found.filter(
        Q(number__icontains=search)
        | Q(purpose__icontains=search)
        | Q(record__reference__icontains=search)
    )
