"""One thing that is wrong, and what to do about it."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

from django.db.models import QuerySet

SHOWN = 5
"""Examples that a finding names."""

MOST = 1000
"""Rows that a finding counts; past this it says "more than"."""


class Severity(enum.StrEnum):
    """How bad it is."""

    ERROR = "error"
    """An invariant is broken, work stands still, or what is committed may be lost."""

    WARNING = "warning"
    """It will be, if nobody does anything."""

    NOTICE = "notice"
    """Worth knowing; nothing is wrong, and the exit code does not speak of it."""


class Mend(Protocol):
    """A repair that needs nobody's decision."""

    def __call__(self, *, by: str, now: datetime) -> int:
        """Do it, enter it in the trail, and return how many things were mended. Safe to repeat."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong."""

    code: str
    """Stable; the reference lists them."""

    what: str
    """One sentence."""

    repair: str
    """What to do, in the imperative."""

    severity: Severity = Severity.ERROR
    examples: tuple[str, ...] = ()
    mend: Mend | None = None
    """None: only a person can."""

    @property
    def counts(self) -> bool:
        """Whether the system is not sound because of it."""
        return self.severity is not Severity.NOTICE

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "what": self.what,
            "repair": self.repair,
            "examples": list(self.examples),
            "can_be_mended": self.mend is not None,
        }


@dataclass(frozen=True, kw_only=True)
class Some:
    """Rows that were found: how many, and the first of them."""

    number: str
    first: tuple[str, ...]

    @classmethod
    def of(cls, rows: QuerySet[Any]) -> Some | None:
        """Count rows up to a bound, in one statement; None if there are none."""
        return cls.among([str(row) for row in rows[: MOST + 1]])

    @classmethod
    def among(cls, rows: Iterable[str]) -> Some | None:
        """Take those that were found, up to the bound; None if there are none."""
        found = list(islice(rows, MOST + 1))
        if not found:
            return None
        number = f"more than {MOST:,}" if len(found) > MOST else f"{len(found):,}"
        return cls(number=number, first=tuple(found[:SHOWN]))
