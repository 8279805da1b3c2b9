"""A record's history as a chain: does each event follow from where the record stood?

Judged by the definition in force at the event's time. Guards and permissions are not asked: who
decided then is not to be decided again now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from audit.canonical import sha256
from workflow.backfill.actors import Actors, Person
from workflow.backfill.mapping import AnyMapping, Event, Told
from workflow.definition import Transition
from workflow.engine.request import body
from workflow.models import Fault


class Placed(NamedTuple):
    """An event with its id and its place among the record's events in the source."""

    told: Told
    id: UUID
    position: int


class Step(NamedTuple):
    """An event that can be adopted, perhaps as an anomaly."""

    placed: Placed
    version: int
    """Of the definition in force."""

    old: str
    target: str
    person: Person
    digest: str
    """Of what a live request for the same would say, so that its repetition is recognised."""

    anomaly: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """An event that cannot be adopted, and why."""

    placed: Placed
    fault: Fault
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where a record stands before the events that are to be judged."""

    status: str
    since: datetime | None = None
    """Time of the event that led there; None where the record was just made."""


Found = tuple[Fault, str]


class Judge:
    """Judges events under one mapping and one policy."""

    def __init__(
        self, *, mapping: AnyMapping, actors: Actors, adopts: Collection[Fault], now: datetime
    ) -> None:
        self._mapping = mapping
        self._actors = actors
        self._adopts = adopts
        self._now = now
        self._sources_of: dict[int, list[str]] = {}

    def chain(
        self, events: Iterable[Placed], *, record: UUID, standing: Standing
    ) -> Iterator[Step | Rejected]:
        """Yield what becomes of each event, in order; a rejected one moves nothing."""
        for placed in events:
            verdict = self._judge(placed, record, standing)
            if isinstance(verdict, Step):
                standing = Standing(status=verdict.target, since=placed.told.event.happened_at)
            yield verdict

    def digest(self, placed: Placed, *, record: UUID) -> str:
        """Return what a live request for the same would have: its repetition is recognised."""
        return _digest(placed, record, self._actors.get(placed.told.event.actor))

    def unjoined(self, steps: list[Step], message: str) -> tuple[list[Step], list[Rejected]]:
        """Return a past that does not end where it should: as an anomaly, or rejected."""
        if Fault.NO_JOIN not in self._adopts:
            return [], [
                Rejected(placed=step.placed, fault=Fault.NO_JOIN, message=message)
                for step in steps
            ]
        last = steps[-1]._replace(
            anomaly=steps[-1].anomaly or Fault.NO_JOIN.value,
            message=" ".join(filter(None, [steps[-1].message, message])),
        )
        return [*steps[:-1], last], []

    def _judge(self, placed: Placed, record: UUID, standing: Standing) -> Step | Rejected:
        event = placed.told.event
        workflow = self._mapping.definition(event.happened_at)
        transition = workflow.by_name.get(event.transition)
        if transition is None:
            known = ", ".join(sorted(workflow.by_name))
            message = f"{workflow.key} has no transition {event.transition!r}; it has {known}."
            return Rejected(placed=placed, fault=Fault.UNKNOWN_TRANSITION, message=message)
        target = event.status or str(transition.target.value)
        if target not in workflow.status_values:
            message = f"{workflow.key} has no status {target!r}."
            return Rejected(placed=placed, fault=Fault.UNKNOWN_STATUS, message=message)
        if event.happened_at > self._now:
            message = f"It is to happen on {event.happened_at.isoformat()}, which is yet to come."
            return Rejected(placed=placed, fault=Fault.FUTURE, message=message)
        person = self._actors.get(event.actor)
        found = [
            *self._edge(event, transition, target, standing),
            *self._order(event.happened_at, standing.since),
            *([(Fault.UNKNOWN_ACTOR, person.problem)] if person.problem else ()),
        ]
        for fault, message in found:
            if fault not in self._adopts:
                return Rejected(placed=placed, fault=fault, message=message)
        return Step(
            placed=placed,
            version=workflow.version,
            old=standing.status,
            target=target,
            person=person,
            digest=_digest(placed, record, person),
            anomaly=found[0][0].value if found else "",
            message=" ".join(message for _, message in found),
        )

    def _edge(
        self, event: Event, transition: Transition[Any, Any], target: str, standing: Standing
    ) -> list[Found]:
        found: list[Found] = []
        if event.old and event.old != standing.status:
            message = f"It came from {event.old!r}, but the record stood in {standing.status!r}."
            found.append((Fault.GAP, message))
        sources = self._sources(transition)
        if standing.status not in sources or target != transition.target.value:
            message = (
                f"{event.transition!r} leads from {' or '.join(map(repr, sources))} to"
                f" {transition.target.value!r}; this one led from {standing.status!r} to"
                f" {target!r}."
            )
            found.append((Fault.ILLEGAL_EDGE, message))
        return found

    def _sources(self, transition: Transition[Any, Any]) -> list[str]:
        known = self._sources_of.get(id(transition))
        if known is None:
            known = [str(source.value) for source in transition.sources]
            self._sources_of[id(transition)] = known
        return known

    def _order(self, at: datetime, before: datetime | None) -> list[Found]:
        if before is None or at > before:
            return []
        if at < before:
            message = f"It is of {at.isoformat()}, the event before it of {before.isoformat()}."
            return [(Fault.TIME_BACK, message)]
        if self._mapping.is_sorted:
            return []
        return [(Fault.TIE, f"Two events are of {at.isoformat()}; nothing tells which was first.")]


def _digest(placed: Placed, record: UUID, person: Person) -> str:
    event = placed.told.event
    asked = body(
        record=record,
        transition=event.transition,
        payload=event.payload,
        reason=event.reason,
        actor=person.actor,
    )
    return sha256(asked.encode("ascii"))
