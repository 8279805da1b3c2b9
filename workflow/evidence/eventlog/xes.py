"""XES (IEEE 1849-2016): a trace for each record, an event for each fired transition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import IO
from xml.sax.saxutils import quoteattr

from workflow.evidence.eventlog.events import Case, Event, Selection

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Identity" prefix="identity" uri="http://www.xes-standard.org/identity.xesext"/>
<global scope="trace">
<string key="concept:name" value=""/>
</global>
<global scope="event">
<string key="concept:name" value=""/>
<date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>
<string key="lifecycle:transition" value="complete"/>
</global>
<classifier name="Activity" keys="concept:name"/>
"""

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold in any form."""


def write_xes(*, cases: Iterable[Case], selection: Selection, out: IO[str]) -> int:
    """Write the log as it is read, and return how many events it has."""
    count = 0
    out.write(_HEAD)
    out.write(_string("concept:name", selection.workflow))
    for case in cases:
        out.writelines(_trace(case))
        count += len(case.events)
    out.write("</log>\n")
    return count


def _trace(case: Case) -> Iterator[str]:
    yield "<trace>\n"
    yield _string("concept:name", case.reference)
    yield f'<id key="identity:id" value="{case.id}"/>\n'
    yield _string("status", case.status)
    for event in case.events:
        yield from _event(event)
    yield "</trace>\n"


def _event(event: Event) -> Iterator[str]:
    yield "<event>\n"
    yield _string("concept:name", event.activity)
    yield f'<date key="time:timestamp" value="{_time(event.at)}"/>\n'
    yield _string("lifecycle:transition", "complete")
    yield _string("org:resource", event.actor)
    yield _string("label", event.label)
    yield _string("old", event.old)
    yield _string("new", event.new)
    if event.reason:
        yield _string("reason", event.reason)
    yield _string("entry", event.id)
    yield _string("transition_id", event.transition_id)
    yield "</event>\n"


def _string(key: str, value: str) -> str:
    allowed = _FORBIDDEN.sub("\ufffd", value)
    return f"<string key={quoteattr(key)} value={quoteattr(allowed)}/>\n"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
