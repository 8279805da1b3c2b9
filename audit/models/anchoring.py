"""Seals that were written outside the database, or could not be."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from audit.models.seal import Seal


class Anchoring(models.Model):
    """One try to write one seal to one place outside."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    seal: models.ForeignKey[Seal, Seal] = models.ForeignKey(
        Seal, verbose_name=_("seal"), on_delete=models.PROTECT, related_name="anchorings"
    )
    anchor = models.CharField(
        _("anchor"), max_length=200, help_text=_("Where to, without credentials.")
    )
    at = models.DateTimeField(_("at"))
    succeeded = models.BooleanField(_("succeeded"))
    detail = models.TextField(_("detail"), blank=True, help_text=_("What went wrong."))

    class Meta:
        """In the order of trying."""

        verbose_name = _("anchoring")
        verbose_name_plural = _("anchorings")
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["anchor", "succeeded", "seal"], name="audit_anchoring_seal")
        ]

    def __str__(self) -> str:
        """Return what was tried, and how it went."""
        return f"{self.seal_id} to {self.anchor}: {'done' if self.succeeded else self.detail}"
