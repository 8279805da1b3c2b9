"""What checking the trail found, and how far it has come."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _


class Verification(models.Model):
    """One reading of the whole trail."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    started_at = models.DateTimeField(
        verbose_name=_("started at"),
    )
    finished_at = models.DateTimeField(
        verbose_name=_("finished at"),
        null=True,
        blank=True,
        help_text=_("Empty: still running, or interrupted; resume it."),
    )
    position: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(
        verbose_name=_("position"),
        null=True,
        blank=True,
        help_text=_("The last chain that is done."),
    )
    entries = models.PositiveBigIntegerField(_("entries"), default=0)
    chains = models.PositiveBigIntegerField(_("chains"), default=0)
    seals = models.PositiveIntegerField(_("seals"), default=0)
    unsealed = models.PositiveBigIntegerField(
        verbose_name=_("unsealed"),
        default=0,
        help_text=_("Entries after the last seal of their chain: sound, but not proved."),
    )
    problems = models.PositiveBigIntegerField(_("problems"), default=0)
    is_pinned = models.BooleanField(
        verbose_name=_("with keys from outside"),
        default=False,
        help_text=_("Whether the keys to trust came from outside the database."),
    )

    class Meta:
        """Newest first."""

        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        """Return the verdict in one sentence."""
        facts = {"read": self._read}
        if self.problems:
            found = ngettext(
                "%(n)s problem in %(read)s", "%(n)s problems in %(read)s", self.problems
            )
            return found % {**facts, "n": f"{self.problems:,}"}
        if self.finished_at is None:
            return gettext("Unfinished: %(read)s so far") % facts
        return gettext("Sound: %(read)s") % facts

    @property
    def _read(self) -> str:
        entries = ngettext("%(n)s entry", "%(n)s entries", self.entries)
        chains = ngettext("%(n)s chain", "%(n)s chains", self.chains)
        seals = ngettext("%(n)s seal", "%(n)s seals", self.seals)
        return gettext("%(entries)s in %(chains)s and %(seals)s") % {
            "entries": entries % {"n": f"{self.entries:,}"},
            "chains": chains % {"n": f"{self.chains:,}"},
            "seals": seals % {"n": f"{self.seals:,}"},
        }


class Problem(models.Model):
    """One thing that a verification found wrong; at most 1,000 of them are kept."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    verification: models.ForeignKey[Verification, Verification] = models.ForeignKey(
        Verification, on_delete=models.CASCADE, related_name="found"
    )
    kind = models.CharField(_("kind"), max_length=16)
    chain: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(
        verbose_name=_("chain"), null=True, blank=True
    )
    sequence = models.PositiveIntegerField(
        verbose_name=_("sequence"),
        null=True,
        blank=True,
        help_text=_("The first bad entry of the chain."),
    )
    until = models.PositiveIntegerField(
        verbose_name=_("until"),
        null=True,
        blank=True,
        help_text=_("It lies between `sequence` and this."),
    )
    seal = models.PositiveIntegerField(_("seal"), null=True, blank=True)
    message = models.TextField(
        verbose_name=_("message"),
    )

    class Meta:
        """As found."""

        verbose_name = _("problem")
        verbose_name_plural = _("problems")
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        """Return what is wrong."""
        return self.message
