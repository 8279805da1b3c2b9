"""Everything that can come of a call downstream.

The distinction that counts is whether the call may have happened. `Postponed`, `Rejected` and
`Declined` say that it certainly did not; `Unknown` says that it may have. Whoever is not sure
returns `Unknown`: how such a doubt is resolved is declared with the effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Done:
    """It happened."""

    receipt: Mapping[str, Any] = field(default_factory=dict)
    """What the downstream gave as proof; a JSON object, kept with the effect."""


@dataclass(frozen=True, kw_only=True)
class Pending:
    """The downstream took it and has not finished: wait for a call-back, or poll."""

    receipt: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Postponed:
    """It did not happen; trying again later may help."""

    reason: str
    code: str = "postponed"
    retry_after: timedelta | None = None
    """Wait at least this long."""

    is_fault: bool = True
    """Whether it counts against the downstream, whose circuit opens after several."""


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """It did not happen and will not, until a person has mended something."""

    reason: str
    code: str = "rejected"


@dataclass(frozen=True, kw_only=True)
class Declined:
    """The downstream decided against it: a "no" of business, such as "the budget is used up".

    A before-effect's refuses the transition with this message.
    """

    reason: str
    code: str = "declined"
    required: str = ""
    actual: str = ""


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """It may have happened, or may yet: the answer was lost, late or unreadable."""

    reason: str
    code: str = "unknown"


@dataclass(frozen=True, kw_only=True)
class Absent:
    """A look-up's "no": the downstream has not seen the key. Only for look-ups."""


Result = Done | Pending | Postponed | Rejected | Declined | Unknown
"""What `send`, `poll` and a call-back's reader answer."""

Found = Result | Absent
"""What a look-up answers: `Absent`, or what became of the call it knows of."""
