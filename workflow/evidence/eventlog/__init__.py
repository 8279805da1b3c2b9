"""The trail as a standard event log, for tools that mine processes: XES (IEEE 1849), OCEL 2.0."""

from workflow.evidence.eventlog.events import Case, Event, Selection, cases
from workflow.evidence.eventlog.ocel import write_ocel
from workflow.evidence.eventlog.xes import write_xes

__all__ = ["Case", "Event", "Selection", "cases", "write_ocel", "write_xes"]
