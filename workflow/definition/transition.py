"""One declared change of status."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar

from workflow.definition.context import Context
from workflow.definition.effect import Effect
from workflow.definition.finding import Allowed, Refusal
from workflow.definition.retry import Retry

S = TypeVar("S")
T = TypeVar("T", bound=enum.Enum)

Guard = Callable[[Context[S]], Allowed | Refusal | None]
"""Decides on current state alone: None or Allowed to consent, a Refusal to say no."""

Apply = Callable[[Context[S]], None]
"""Changes fields of `context.subject`; they are saved with the status, or not at all."""


class Reason(enum.Enum):
    """Whether the person who asks must say why."""

    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, kw_only=True)
class Transition(Generic[S, T]):
    """A named edge of the workflow, with all that decides about it and follows from it."""

    name: str
    """Stable name in code, API and trail: lower case, digits and underscores."""

    label: str
    """What the button says."""

    sources: tuple[T, ...]
    target: T

    permission: str = ""
    """Django permission, `app_label.codename`, needed to ask for it; empty: anyone signed in."""

    guards: tuple[Guard[S], ...] = ()
    form: type[Any] | None = None
    """A Django form class that checks the payload; without one, the payload must be empty."""

    reason: Reason = Reason.OPTIONAL
    signature: str = ""
    """What signing it means, as the signer is told: "I have checked the receipts.". Empty: it need
    not be signed."""

    apart_from: tuple[str, ...] = ()
    """Separation of duties: transitions of this workflow. Whoever has made one of them, in
    whichever round of the record, may not ask for this one."""

    settled_apart: bool = False
    """Whether its calls in doubt are settled by others than who asked for it, or has made one of
    `apart_from`."""

    before: tuple[Effect[S], ...] = ()
    apply: Apply[S] | None = None
    after: tuple[Effect[S], ...] = ()
    retry: Retry = field(default_factory=Retry)
    timeout: timedelta = timedelta(seconds=20)
    """Longest time for one attempt's guards and `apply`."""

    deadline: timedelta | None = None
    """Longest time from request to outcome; past it the transition fails for good."""

    automatic_after: timedelta | None = None
    """Fires by itself once the record has stood this long in one of the sources."""

    @property
    def effects(self) -> tuple[Effect[S], ...]:
        """All effects, in the order in which they run."""
        return self.before + self.after
