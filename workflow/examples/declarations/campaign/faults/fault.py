"""What a fault is."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from workflow.examples.declarations.campaign.theatre import Theatre


@dataclass(frozen=True, kw_only=True)
class Injected:
    """What was done, and how long the work took to come back."""

    detail: str
    recovery: float | None = None
    """Seconds; None where no process was killed."""

    limit: float | None = None
    """Seconds that it may take; with a limit and without a recovery, it never came back."""


def _always(_: Theatre) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One kind."""

    kind: str
    inject: Callable[[Theatre, random.Random], Injected]
    """Do it, and undo what does not heal by itself."""

    missing: Callable[[Theatre], str] = _always
    """Why it cannot be done here; empty if it can."""

    times: int = 1
    """How often in one round of all kinds."""
