"""The strip that says whether what is shown can be believed.

The chain is read back whenever a record's page is opened: each entry must follow on the one before
it and give its own digest, and the place that the last seal saw must still hold what it saw. The
seals' signatures are checked by `manage.py audit_verify`, whose last result is told too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from audit.canonical import digest
from audit.chain import GENESIS
from audit.models import Entry, SealedHead, Verification
from workflow.models import Record

_AT_ONCE = 500
"""A chain of at most so many entries is read back on its page."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What is known of a record's chain."""

    entries: int
    digest: str
    """Of the last entry."""

    is_sound: bool | None
    """Whether it was read back now and is sound; None: too long to do so on every page."""

    problem: str = ""
    seal: int | None = None
    """Number of the last seal that covers it; None: none does yet."""

    sealed_at: datetime | None = None
    unsealed: int = 0
    """Entries since that seal: sound, but proved by no seal yet."""

    verification: Verification | None = None
    """The last reading of the whole trail that came to its end."""


def proof(*, record: Record) -> Proof:
    """Read the record's chain back if that is quick; three statements."""
    found = list(Entry.objects.filter(chain=record.pk).order_by("sequence")[: _AT_ONCE + 1])
    head = (
        SealedHead.objects.filter(chain=record.pk).select_related("seal").order_by("-seal").first()
    )
    verification = Verification.objects.filter(finished_at__isnull=False).order_by("-id").first()
    about: dict[str, Any] = {
        "seal": None if head is None else head.seal_id,
        "sealed_at": None if head is None else head.seal.sealed_at,
        "verification": verification,
    }
    if len(found) > _AT_ONCE:
        last = Entry.objects.filter(chain=record.pk).order_by("-sequence").first()
        assert last is not None, "there are more than five hundred"
        return Proof(entries=last.sequence, digest=last.digest, is_sound=None, **about)
    problem = _problem(found, head)
    return Proof(
        entries=len(found),
        digest=found[-1].digest if found else "",
        is_sound=not problem,
        problem=problem,
        unsealed=len(found) - (0 if head is None else head.sequence),
        **about,
    )


def _problem(entries: Sequence[Entry], head: SealedHead | None) -> str:
    """Return what is wrong, in words; empty when nothing is."""
    if not entries:
        return _("It has no entries at all.")
    before = GENESIS
    for place, entry in enumerate(entries, start=1):
        if entry.sequence != place:
            return _("Entry %(n)d is missing.") % {"n": place}
        if entry.previous != before:
            return _("Entry %(n)d does not follow on the one before it.") % {"n": place}
        if entry.digest != digest(entry):
            return _("Entry %(n)d was altered.") % {"n": place}
        before = entry.digest
    return _against_seal(entries, head)


def _against_seal(entries: Sequence[Entry], head: SealedHead | None) -> str:
    if head is None or not head.sequence:
        return ""
    facts = {"seal": head.seal_id, "n": head.sequence}
    if len(entries) < head.sequence:
        return _("It was cut off: seal %(seal)d saw %(n)d entries.") % facts
    if entries[head.sequence - 1].digest != head.digest:
        return _("Entry %(n)d is not what seal %(seal)d saw.") % facts
    return ""
