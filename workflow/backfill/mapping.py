"""What an adopter writes: one small class that says what a source's rows mean here."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar
from uuid import UUID, uuid5

from django.contrib.auth.base_user import AbstractBaseUser

from workflow.definition import Workflow, WorkflowError, registry
from workflow.models import ADOPTABLE, Fault, Tracked

S = TypeVar("S", bound=Tracked)


class Unusable(WorkflowError):
    """Raise in a mapping when a row cannot be used; say which value, and why."""

    code = "unusable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What one row says: a record made a transition, once upon a time."""

    reference: str
    """Of the record: what people call it."""

    id: str
    """Of the event, unique for the record and the same for ever in this source."""

    transition: str
    """Name of the transition here."""

    happened_at: datetime
    """Aware."""

    actor: str = ""
    """Who did it, in the source's words; empty: the system itself."""

    reason: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)

    old: str = ""
    """Status before, if the source tells it."""

    status: str = ""
    """Status after, if the source tells it; else it is the transition's target."""


class Told(NamedTuple):
    """An event and the row that told it."""

    event: Event
    row: int
    """Number of the row in the source; the header of a CSV file is row 1."""

    text: str
    """The row as JSON."""

    @property
    def raw(self) -> Mapping[str, Any]:
        """Return the row as it was read."""
        values: Mapping[str, Any] = json.loads(self.text)
        return values


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A record's whole history, as the source tells it, in order."""

    reference: str
    events: tuple[Told, ...]
    is_cut: bool = False
    """Whether there are more events than fit into memory; none of them is adopted then."""


class BackfillMapping(ABC, Generic[S]):
    """What rows mean. Register one with `backfill.registered.register`.

    The methods are called for one row or one record at a time and may raise: the row, or the
    record's rows, are then rejected with the error, and the others are adopted.
    """

    name: ClassVar[str]
    """By which commands and schedules name it."""

    workflow: ClassVar[str]
    namespace: ClassVar[UUID]
    """Fixed for ever: another one would make every event of every source a new one."""

    columns: ClassVar[tuple[str, ...]] = ()
    """Columns that a source must have."""

    renamed: ClassVar[Mapping[str, str]] = {}
    """What the source calls a column → what the mapping does."""

    is_sorted: ClassVar[bool] = True
    """Whether the source's order is the order of events; else their times are."""

    adopts: ClassVar[Collection[Fault]] = ADOPTABLE
    """The policy: events with these faults are adopted as anomalies, others are rejected."""

    compared: ClassVar[tuple[str, ...]] = ()
    """Fields of the subject that `shadow_compare` compares with the source."""

    def __init__(self, *, may_write: bool) -> None:
        """Take whether rows may be made, such as users; not so in a dry run."""
        self.may_write = may_write

    @abstractmethod
    def event(self, row: Mapping[str, Any]) -> Event | None:
        """Return what a row says; None leaves it out, and it is counted as left out.

        Raises:
            Unusable: It says nothing that can be used.
        """

    @abstractmethod
    def subject(self, case: Case) -> S:
        """Return the unsaved domain object as it was before its first event."""

    def apply(self, subject: S, told: Told) -> None:
        """Change the subject's fields as the event changed them."""

    def actor(self, name: str) -> AbstractBaseUser | None:
        """Return the user that the source calls so; None: nobody is known by that name."""
        return None

    def existing(self, references: Collection[str]) -> Mapping[str, S]:
        """Return domain objects that are here already and have no record yet, by reference."""
        return {}

    def definition(self, at: datetime) -> Workflow[Any, Any]:
        """Return the definition in force at a time; by default, the newest at all times."""
        return registry.latest(self.workflow)

    def transition_id(self, reference: str, event: str) -> UUID:
        """Return an event's id. The line break, which neither part can hold, keeps them apart."""
        return uuid5(self.namespace, f"{reference}\n{event}")

    def record_id(self, reference: str) -> UUID:
        """Return the id of a record that is new here."""
        return uuid5(self.namespace, reference)


AnyMapping = BackfillMapping[Any]
