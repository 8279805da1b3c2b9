"""What must hold of the whole database, whatever was killed on the way; here, a bit more."""

from __future__ import annotations

from collections import Counter, defaultdict
from uuid import UUID

from workflow.examples.declarations.models import Declaration
from workflow.testing import invariants
from workflow.testing.invariants import unfinished

__all__ = ["faults", "unfinished"]


def faults() -> list[str]:
    """Return everything that is wrong, in words; empty when the database is whole."""
    return [*invariants.faults(), *_fields()]


def _fields() -> list[str]:
    """One history row for each transition that fired, and at the desk one effect of `apply`."""
    rows: dict[int, Counter[UUID]] = defaultdict(Counter)
    fired = Declaration.history.exclude(transition_id=None)
    for subject, name in fired.values_list("id", "transition_id"):
        rows[subject][name] += 1
    found = []
    for subject in Declaration.objects.select_related("record"):
        told, version = rows[subject.pk], subject.record.version
        if set(told.values()) - {1} or len(told) != version:
            found.append(f"{subject} is at version {version} and has history rows {dict(told)}")
        if subject.record.workflow == "desk" and subject.receipts != version:
            found.append(f"{subject} was applied {subject.receipts} times")
    return found
