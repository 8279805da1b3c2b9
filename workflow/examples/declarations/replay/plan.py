"""The log as a plan: declarations with their events in order, each under an id of its own.

A transition id follows from the case and the event, so the same file gives the same ids on any
machine and however often it is replayed; what was done before is then only repeated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from uuid import UUID, uuid5

from workflow.examples.declarations.replay.activities import STEPS, Step
from workflow.examples.declarations.replay.rows import Broken, Event
from workflow.examples.declarations.statuses import Status

NAMESPACE = UUID("5b0c7e0a-6c6f-5c0e-9d0b-0c5a1f4b7a11")
"""Fixed for ever: another one would make every event of every log a new wish."""


def transition_id(*, case: str, event: str) -> UUID:
    """Return the id of an event. The line break, which neither part can hold, keeps them apart."""
    return uuid5(NAMESPACE, f"{case}\n{event}")


@dataclass(frozen=True)
class Planned:
    """One event of the log as a wish."""

    event: Event

    @cached_property
    def id(self) -> UUID:
        """Its transition id."""
        return transition_id(case=self.event.case, event=self.event.event)

    @property
    def step(self) -> Step:
        """What it asks for."""
        return STEPS[self.event.activity]


@dataclass
class Case:
    """One declaration and all that happened to it."""

    id: str
    number: str
    budget: str
    amount: Decimal
    declared_on: date
    purpose: str = "Domestic travel, from the public log"
    steps: list[Planned] = field(default_factory=list)

    @property
    def ends_in(self) -> Status:
        """The status that the log leaves it in."""
        return self.steps[-1].step.status

    @property
    def claimant(self) -> tuple[str, str]:
        """Role and resource of the employee whose declaration it is."""
        for each in self.steps:
            if each.event.role == "EMPLOYEE":
                return ("EMPLOYEE", each.event.resource)
        return ("EMPLOYEE", self.steps[0].event.resource)


@dataclass
class Plan:
    """What is to be sent, and what is left out."""

    cases: dict[str, Case] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    repeated_rows: int = 0
    """Rows that say again, word for word, what an earlier row said."""

    @property
    def events(self) -> int:
        """How many wishes there are."""
        return sum(len(case.steps) for case in self.cases.values())


def plan(rows: Iterable[Event | Broken], *, cases: int | None = None) -> Plan:
    """Sort rows by case and keep the first `cases` of them (default: all).

    All rows are looked at, so that a broken one is named wherever it stands.
    """
    made = Plan()
    seen: dict[str, Event] = {}
    for row in rows:
        if isinstance(row, Broken):
            made.broken.append(row)
            continue
        first = seen.setdefault(row.event, row)
        if first is not row:
            _again(made, first, row)
        else:
            _add(made, row, cases)
    return made


def _again(made: Plan, first: Event, row: Event) -> None:
    if replace(row, row=first.row) == first:
        made.repeated_rows += 1
        return
    made.broken.append(
        Broken(
            row=row.row,
            problem=f"event_id {row.event!r} is in row {first.row} already, with other values",
        )
    )


def _add(made: Plan, row: Event, limit: int | None) -> None:
    case = made.cases.get(row.case)
    if case is None:
        if limit is not None and len(made.cases) >= limit:
            return
        case = made.cases[row.case] = Case(
            id=row.case,
            number=row.number,
            budget=row.budget,
            amount=row.amount,
            declared_on=row.occurred_at.date(),
        )
    known = (case.number, case.budget, case.amount)
    if (row.number, row.budget, row.amount) != known:
        made.broken.append(
            Broken(
                row=row.row,
                problem=f"case_id {row.case!r} has another number, budget or amount in row"
                f" {case.steps[0].event.row}",
            )
        )
        return
    case.steps.append(Planned(row))
