"""Seals, where they were written outside, and what verifications found."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from audit.models import Anchoring, Problem, Seal, SealKey, Verification
from workflow.admin.readonly import ReadOnly, Rows


class AnchoringsOfSeal(Rows):
    """Each try to write it outside."""

    model = Anchoring
    fields = ("anchor", "at", "succeeded", "detail")
    readonly_fields = fields


@admin.register(Seal)
class SealAdmin(ReadOnly):
    """Every seal."""

    list_display = ("number", "sealed_at", "entries", "heads", "complete", "root")
    ordering = ("-number",)
    inlines: ClassVar = [AnchoringsOfSeal]


@admin.register(SealKey)
class SealKeyAdmin(ReadOnly):
    """The public keys."""

    list_display = ("public", "introduced_at", "introduced_by", "reason")
    ordering = ("introduced_at",)


@admin.register(Anchoring)
class AnchoringAdmin(ReadOnly):
    """Every try to write a seal outside; the failures are found by the filter."""

    list_display = ("seal", "anchor", "at", "succeeded", "detail")
    list_filter = ("succeeded", "anchor")
    ordering = ("-id",)


class ProblemsOfVerification(Rows):
    """What it found, the first thousand."""

    model = Problem
    fields = ("kind", "chain", "sequence", "seal", "message")
    readonly_fields = fields


@admin.register(Verification)
class VerificationAdmin(ReadOnly):
    """Every reading of the whole trail, the newest first."""

    list_display = ("started_at", "verdict", "finished_at", "unsealed", "is_pinned")
    ordering = ("-id",)
    inlines: ClassVar = [ProblemsOfVerification]

    @admin.display(description=_("Verdict"))
    def verdict(self, verification: Verification) -> str:
        """Return it in one sentence."""
        return str(verification)
