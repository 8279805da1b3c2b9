"""A declaration: what an employee spent, and who has looked at it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, cast

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from workflow.examples.declarations.statuses import Status
from workflow.models import Tracked


def visible_to(rows: models.QuerySet[Any], user: models.Model) -> models.QuerySet[Any]:
    """Return a person's own declarations; all of them for who may view declarations."""
    if getattr(user, "has_perm", lambda _: False)("declarations.view_declaration"):
        return rows
    return rows.filter(claimant=user.pk)


class DeclarationQuerySet(models.QuerySet["Declaration"]):
    """Which declarations."""

    def visible_to(self, user: models.Model) -> DeclarationQuerySet:
        """Return a person's own declarations; all of them for who may view declarations."""
        return cast("DeclarationQuerySet", visible_to(self, user))


def _person(*, verbose_name: Any) -> models.ForeignKey[Any, Any]:
    """Return a column for who last took a step; its stamp writes it, nobody edits it."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=verbose_name,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )


class Declaration(Tracked):
    """Expenses of a journey that an employee wants back. Its status is the engine's to change."""

    claimant = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("claimant"),
        on_delete=models.PROTECT,
        related_name="declarations",
    )
    number = models.CharField(
        _("number"), max_length=100, help_text=_("As printed on the declaration.")
    )
    purpose = models.CharField(
        _("purpose"), max_length=200, help_text=_("What the journey was for.")
    )
    amount = models.DecimalField(
        _("amount"), max_digits=12, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    expense_date = models.DateField(_("expense date"), help_text=_("Day of the journey."))
    declared_on = models.DateField(
        _("declared on"), help_text=_("Day on which it was declared."), editable=False
    )
    receipts = models.PositiveSmallIntegerField(
        _("receipts"), default=0, help_text=_("How many are attached.")
    )
    budget_number = models.CharField(_("budget number"), max_length=100, blank=True)
    cost_centre = models.CharField(_("cost centre"), max_length=20, blank=True)

    pre_approver = _person(verbose_name=_("pre approver"))
    administrator = _person(verbose_name=_("administrator"))
    budget_owner = _person(verbose_name=_("budget owner"))
    supervisor = _person(verbose_name=_("supervisor"))
    submitted_at = models.DateTimeField(_("submitted at"), null=True, blank=True, editable=False)
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True, editable=False)
    payment_requested_at = models.DateTimeField(
        _("payment requested at"), null=True, blank=True, editable=False
    )
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True, editable=False)
    budget_reservation = models.CharField(
        _("budget reservation"), max_length=64, blank=True, editable=False
    )
    payment_reference = models.CharField(
        _("payment reference"), max_length=64, blank=True, editable=False
    )

    objects = DeclarationQuerySet.as_manager()

    class Meta:
        """One permission for each role's step; `roles` hands them to groups."""

        verbose_name = _("declaration")
        verbose_name_plural = _("declarations")
        ordering: ClassVar = ["-pk"]
        permissions: ClassVar = [
            ("submit_declaration", "Can submit, take back and withdraw own declarations"),
            ("pre_approve_declaration", "Can approve or reject as pre-approver"),
            ("check_declaration", "Can approve or reject as administration"),
            ("approve_budget_declaration", "Can approve or reject as budget owner"),
            ("approve_declaration", "Can approve finally or reject as supervisor"),
            ("pay_declaration", "Can request and confirm payments"),
            ("stop_declaration", "Can stop a declaration after its final approval"),
            ("lapse_declaration", "Can let an abandoned declaration lapse before its time"),
        ]

    def __str__(self) -> str:
        """Return its number."""
        return self.number

    @property
    def reference(self) -> str:
        """What it is called elsewhere: numbers may be shared, its record's reference is not."""
        return self.record.reference if self.record else self.number

    @property
    def summary(self) -> str:
        """What was spent, and what for."""
        return f"{self.amount} {self.currency}, {self.purpose}"

    @property
    def status_label(self) -> str:
        """The status in words."""
        return str(Status(self.status).label) if self.status else str(_("Not under the engine"))
