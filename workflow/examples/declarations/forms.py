"""What people fill in: a new declaration, and what each transition asks for.

The engine checks a request's payload with the transition's form before it writes it down. Stamps
read the payload through the same form, so that both see one value.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from workflow.examples.declarations.models import Declaration

if TYPE_CHECKING:
    DeclarationModelForm = forms.ModelForm[Declaration]
else:
    DeclarationModelForm = forms.ModelForm

_CENT = Decimal("0.01")


class DeclarationForm(DeclarationModelForm):
    """A new declaration."""

    amount = forms.DecimalField(
        label=_("Amount"), max_digits=12, decimal_places=2, min_value=_CENT
    )

    class Meta:
        """What the employee knows; the rest is stamped by the steps."""

        model = Declaration
        fields: ClassVar = ["purpose", "amount", "expense_date", "receipts", "budget_number"]
        widgets: ClassVar = {"expense_date": forms.DateInput(attrs={"type": "date"})}


class SubmissionForm(forms.Form):
    """Corrections on the way in, most of all after a rejection. Empty: as it was."""

    amount = forms.DecimalField(
        required=False,
        max_digits=12,
        decimal_places=2,
        min_value=_CENT,
        label=_("Corrected amount"),
    )
    receipts = forms.IntegerField(
        required=False, min_value=0, max_value=999, label=_("Receipts attached, if it changed")
    )


class CheckForm(forms.Form):
    """What administration adds."""

    cost_centre = forms.CharField(label=_("Cost centre"), required=False, max_length=20)


class BudgetForm(forms.Form):
    """What the budget owner adds, where the employee left it out or had it wrong."""

    budget_number = forms.CharField(label=_("Budget number"), required=False, max_length=100)


class PaymentForm(forms.Form):
    """What the payment run reports."""

    payment_reference = forms.CharField(
        label=_("Payment reference"), required=False, max_length=64
    )


def entered(form: type[forms.Form], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a payload fills in, as Python values; fields left empty are left out.

    Does no I/O, so guards and stamps may call it.
    """
    filled = form(data=dict(payload))
    filled.is_valid()
    return {name: value for name, value in filled.cleaned_data.items() if value not in (None, "")}
