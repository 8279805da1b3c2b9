"""What came of one claim of an effect, or of one act upon it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workflow.definition import Absent, Result
from workflow.models import Kind


@dataclass(frozen=True, kw_only=True)
class Died:
    """Its worker is gone, and nobody knows how far it came."""

    reason: str = "Its worker stopped renewing the lease: killed, frozen or cut off."
    code: str = "worker_died"


@dataclass(frozen=True, kw_only=True)
class Unsent:
    """It was handed back without a call: the time for sending it was over."""

    reason: str = "The worker came too late to act on its intent and did not call."
    code: str = "window_over"


@dataclass(frozen=True, kw_only=True)
class Again:
    """A person sets it going again."""

    reason: str
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class GivenUp:
    """A person, or the end of the transition, lets it be."""

    reason: str
    code: str = "given_up"


What = Result | Absent | Died | Unsent | Again | GivenUp


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of it, when, and at whose hands."""

    kind: Kind
    what: What
    by: str
    """Worker, person, or downstream."""

    started_at: datetime
    ended_at: datetime
    detail: str = ""
    """Traceback."""

    evidence: Mapping[str, Any] = field(default_factory=dict)
    """More for the trail: what a person rests a decision on."""
