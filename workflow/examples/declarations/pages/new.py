"""Making a declaration. The form carries its own number, so sending it twice makes one."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.engine.request import transition_id
from workflow.engine.start import start
from workflow.examples.declarations.forms import DeclarationForm
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.workflows import DECLARATION
from workflow.pages.user import signed_in


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("declarations.submit_declaration", raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """Show the form, or make the draft that it asks for."""
    form = DeclarationForm(request.POST or None)
    draft = uuid.uuid4()
    if request.method == "POST":
        try:
            draft = transition_id(request.POST.get("draft", ""))
        except InvalidRequest:
            form.add_error(None, _("This form has lost its number; please send it again."))
        if form.is_valid():
            return redirect("declarations:show", pk=_make(request, form, draft).pk)
    return render(
        request,
        "declarations/new.html",
        {"form": form, "draft": draft},
        status=422 if form.is_bound else 200,
    )


def _make(request: HttpRequest, form: DeclarationForm, draft: uuid.UUID) -> Declaration:
    """Return the draft; the one made before if this very form was sent before."""
    user = signed_in(request)
    reference = f"D-{user.pk}-{draft.hex[:12].upper()}"
    declaration: Declaration = form.save(commit=False)
    declaration.claimant = user
    declaration.number = reference
    declaration.declared_on = timezone.localdate()
    try:
        start(
            workflow=DECLARATION,
            subject=declaration,
            reference=reference,
            user=user,
            now=clock.now(),
        )
    except InvalidRequest:
        before = Declaration.objects.filter(number=reference, claimant=user.pk).first()
        if before is None:
            raise
        messages.info(request, _("This form was sent before; it counts once."))
        return before
    messages.success(
        request,
        _("Draft %(reference)s is made. Submit it when it is complete.")
        % {"reference": reference},
    )
    return declaration
