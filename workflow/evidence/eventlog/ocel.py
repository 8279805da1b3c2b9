"""OCEL 2.0 in its JSON form: records and people are objects, fired transitions are events.

The members of a JSON object have no order, so the events come first, and what is only known when
they have been read follows: the people, and the types of events.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import IO, Any

from workflow.evidence.eventlog.events import Case, Event, Selection

_PERSON = "person"
_EVENT = ("label", "old", "new", "reason", "transition_id")


def write_ocel(*, cases: Callable[[], Iterable[Case]], selection: Selection, out: IO[str]) -> int:
    """Write the log as it is read, and return how many events it has.

    Args:
        cases: Called twice: for the events, and for the objects.
    """
    people: dict[str, str] = {}
    activities: set[str] = set()
    count = 0
    out.write('{"events":[')
    for case in cases():
        for event in case.events:
            out.write(("," if count else "") + "\n" + json.dumps(_event(case, event)))
            people[event.actor_id] = event.actor
            activities.add(event.activity)
            count += 1
    out.write('\n],"objects":[')
    objects = _objects(cases(), selection.workflow, people)
    for index, each in enumerate(objects):
        out.write(("," if index else "") + "\n" + json.dumps(each))
    types = [_type(selection.workflow, ("reference", "status")), _type(_PERSON, ("name",))]
    out.write(f'\n],"objectTypes":{json.dumps(types)}')
    out.write(f',"eventTypes":{json.dumps([_type(each, _EVENT) for each in sorted(activities)])}')
    out.write("}\n")
    return count


def _event(case: Case, event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.activity,
        "time": _time(event.at),
        "attributes": [{"name": name, "value": getattr(event, name)} for name in _EVENT],
        "relationships": [
            {"objectId": case.id.hex, "qualifier": "moves"},
            {"objectId": _person(event.actor_id), "qualifier": "asked for by"},
        ],
    }


def _objects(
    cases: Iterable[Case], workflow: str, people: dict[str, str]
) -> Iterator[dict[str, Any]]:
    for case in cases:
        created = _time(case.created_at)
        first = case.events[0].old if case.events else case.status
        yield {
            "id": case.id.hex,
            "type": workflow,
            "attributes": [
                {"name": "reference", "time": created, "value": case.reference},
                {"name": "status", "time": created, "value": first},
                *(
                    {"name": "status", "time": _time(event.at), "value": event.new}
                    for event in case.events
                ),
            ],
            "relationships": [],
        }
    for key, name in sorted(people.items()):
        yield {
            "id": _person(key),
            "type": _PERSON,
            "attributes": [{"name": "name", "time": "1970-01-01T00:00:00Z", "value": name}],
            "relationships": [],
        }


def _person(actor_id: str) -> str:
    return f"{_PERSON}-{actor_id or 'system'}"


def _type(name: str, attributes: Iterable[str]) -> dict[str, Any]:
    return {"name": name, "attributes": [{"name": each, "type": "string"} for each in attributes]}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
