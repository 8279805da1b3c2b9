"""Keys of the API: made, shown once, revoked; never changed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflow.acts.api_keys import LONGEST, make, revoke
from workflow.admin.readonly import ReadOnly
from workflow.engine import clock
from workflow.models import ApiKey, KeyScope
from workflow.pages.user import signed_in

if TYPE_CHECKING:
    FormOfKey = forms.ModelForm[ApiKey]
else:  # generic for the type checker only
    FormOfKey = forms.ModelForm


class KeyForm(FormOfKey):
    """A key to be made."""

    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"), choices=KeyScope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days"),
        min_value=1,
        max_value=LONGEST.days,
        initial=90,
        help_text=gettext_lazy("How long it is good for."),
    )

    class Meta:
        """What is asked for."""

        model = ApiKey
        fields = ("name", "user", "scopes")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnly):
    """Every key, by its public part."""

    list_display = ("name", "id", "user", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("user",)
    exclude = ("digest",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let in who may add keys."""
        return signed_in(request).has_perm("workflow.add_apikey")

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001,FBT002  (as Django passes it)
        **more: Any,
    ) -> Any:
        """Return the form of a new key; an old one is shown without any.

        A key has its user's rights, so only a superuser makes one that acts for somebody else.
        """
        if obj is not None:
            return super().get_form(request, obj, change, **more)
        person = signed_in(request)
        people = User.objects.filter(is_active=True)
        if not person.is_superuser:
            people = people.filter(pk=person.pk)

        class Mine(KeyForm):
            """The form, with the users that this person may choose."""

            user = forms.ModelChoiceField(label=gettext_lazy("User"), queryset=people)

        return Mine

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for a duration, and show the time that came of it."""
        if obj is None:
            return ("name", "user", "scopes", "days")
        return super().get_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: Any) -> None:
        """Make the key, and show its text this once."""
        given = form.cleaned_data
        made = make(
            name=given["name"],
            user=given["user"],
            scopes=given["scopes"],
            lasts=timedelta(days=given["days"]),
            by=signed_in(request),
            now=clock.now(),
        )
        obj.pk = made.key.pk
        said = _("Keep it now, it is shown this once: %(text)s")
        messages.warning(request, said % {"text": made.text})

    @admin.action(description=gettext_lazy("Revoke"), permissions=["add"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Have the chosen keys open nothing from now on."""
        now = clock.now()
        for key in queryset:
            revoke(key_id=key.pk, by=signed_in(request), reason="", now=now)
        messages.success(request, _("They open nothing any more."))
