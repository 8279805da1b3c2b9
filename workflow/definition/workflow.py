"""One frozen value per workflow version, reading as a table."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from workflow.definition.transition import Transition

S = TypeVar("S")
T = TypeVar("T", bound=enum.Enum)


@dataclass(frozen=True, kw_only=True)
class Workflow(Generic[S, T]):
    """The statuses of a kind of record and every permitted way between them."""

    name: str
    """Stable name, lower case: part of every record and envelope."""

    version: int
    """Raise it with every change of meaning; envelopes stay pinned to theirs."""

    subject: type[S]
    """The domain model; it has a record of its own (`Tracked`)."""

    statuses: type[T]
    initial: T
    final: frozenset[T]
    """Statuses that a record need not leave. (It may, where a transition says so.)"""

    transitions: tuple[Transition[S, T], ...]

    load: Callable[[Any], Any] | None = None
    """Takes the subjects' queryset and adds what guards look at: `select_related`, annotations.
    Guards and `apply` may not query by themselves."""

    visible: Callable[[Any, Any], Any] | None = None
    """Takes the subjects' queryset and a user; returns those that the person may see. None: who
    may look at any record may look at all. Someone with `workflow.view_record` sees all."""

    personal: frozenset[str] = frozenset()
    """Fields of the subject and of payloads that hold personal data: pages mask them, and each
    unmasking is an entry."""

    @property
    def key(self) -> str:
        """Name and version, as in `declaration/1`."""
        return f"{self.name}/{self.version}"

    @cached_property
    def by_name(self) -> dict[str, Transition[S, T]]:
        """Transitions under their names."""
        return {transition.name: transition for transition in self.transitions}

    def leaving(self, status: str) -> tuple[Transition[S, T], ...]:
        """Return the transitions that are declared from a status value, in their order."""
        return tuple(
            transition
            for transition in self.transitions
            if any(source.value == status for source in transition.sources)
        )

    @cached_property
    def status_values(self) -> frozenset[str]:
        """Every status as stored."""
        return frozenset(str(status.value) for status in self.statuses)
