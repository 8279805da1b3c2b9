"""A declaration: what an employee spent, and who has looked at it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, cast

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models

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


def _person() -> models.ForeignKey[Any, Any]:
    """Return a column for who last took a step; its stamp writes it, nobody edits it."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )


class Declaration(Tracked):
    """Expenses of a journey that an employee wants back. Its status is the engine's to change."""

    claimant = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="declarations"
    )
    number = models.CharField(max_length=100, help_text="As printed on the declaration.")
    purpose = models.CharField(max_length=200, help_text="What the journey was for.")
    amount = models.DecimalField(
        max_digits=12, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    currency = models.CharField(max_length=3, default="EUR")
    expense_date = models.DateField(help_text="Day of the journey.")
    declared_on = models.DateField(help_text="Day on which it was declared.", editable=False)
    receipts = models.PositiveSmallIntegerField(default=0, help_text="How many are attached.")
    budget_number = models.CharField(max_length=100, blank=True)
    cost_centre = models.CharField(max_length=20, blank=True)

    pre_approver = _person()
    administrator = _person()
    budget_owner = _person()
    supervisor = _person()
    submitted_at = models.DateTimeField(null=True, blank=True, editable=False)
    approved_at = models.DateTimeField(null=True, blank=True, editable=False)
    payment_requested_at = models.DateTimeField(null=True, blank=True, editable=False)
    paid_at = models.DateTimeField(null=True, blank=True, editable=False)
    budget_reservation = models.CharField(max_length=64, blank=True, editable=False)
    payment_reference = models.CharField(max_length=64, blank=True, editable=False)

    objects = DeclarationQuerySet.as_manager()

    class Meta:
        """One permission for each role's step; `roles` hands them to groups."""

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
    def status_label(self) -> str:
        """The status in words."""
        return str(Status(self.status).label) if self.status else "Not under the engine"
