"""What ties the lines of one request together: its correlation id and its trace.

Both come from the caller or are made where the request enters. They are written on the envelope,
so that every attempt and every call made for it carries them again, on whichever host and however
much later. In between they travel in a context variable, and so do the fields of log lines.

The correlation id is for people: one word to search every log for. `traceparent` is for tracing
tools (W3C Trace Context): the trace stays, each step is a span of its own.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from workflow.engine import log_context, tracing
from workflow.models import TransitionEnvelope, uuid7

SOUND_ID = re.compile(r"[\x21-\x7e]{1,64}")
"""What a correlation id looks like: visible ASCII, so that it can stand in a header and a log."""

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """One request's id and trace context."""

    id: str = ""
    traceparent: str = ""

    @property
    def trace_id(self) -> str:
        """The trace's id, 32 hexadecimal digits; empty without a trace."""
        return self.traceparent[3:35]


_current: ContextVar[Correlation | None] = ContextVar("escapement_correlation", default=None)
_NONE = Correlation()


def current() -> Correlation:
    """Return that of the request that is being served; an empty one outside of any."""
    return _current.get() or _NONE


def current_id() -> str:
    """Return the id of the request that is being served; empty outside of any."""
    return current().id


def current_traceparent() -> str:
    """Return the trace context of the request that is being served; empty outside of any."""
    return current().traceparent


def accept(*, sent_id: str, sent_traceparent: str) -> Correlation:
    """Return what a request is known by: what its caller sent, where that is sound, else new.

    A trace context that cannot be read starts a new trace, as its specification demands.
    """
    is_sound = SOUND_ID.fullmatch(sent_id) is not None
    return Correlation(
        id=sent_id if is_sound else uuid7().hex,
        traceparent=child_of(sound_traceparent(sent_traceparent)),
    )


def sound_traceparent(text: str) -> str:
    """Return a trace context in version 00, or nothing if it is not to be used.

    A later version may say more behind what version 00 says; that is left out.
    """
    found = _TRACEPARENT.fullmatch(text.strip())
    if found is None:
        return ""
    version, trace, parent, flags, more = found.groups()
    if version == "ff" or (version == "00" and more):
        return ""
    if not trace.strip("0") or not parent.strip("0"):
        return ""
    return f"00-{trace}-{parent}-{flags}"


def child_of(traceparent: str) -> str:
    """Return the context of a new span in the same trace; in a new trace where there is none."""
    if not traceparent:
        return f"00-{_id(128)}-{_id(64)}-01"
    version, trace, _parent, flags = traceparent.split("-")
    return f"{version}-{trace}-{_id(64)}-{flags}"


def _id(bits: int) -> str:
    """Return the id of a trace or span. It is no secret; asking the system takes its time."""
    return f"{random.getrandbits(bits) or 1:0{bits // 4}x}"


@contextmanager
def bound(correlation: Correlation, **fields: Any) -> Iterator[dict[str, Any]]:
    """Have everything inside, log lines included, belong to this request.

    Yields the fields of its lines, to which more may be added.
    """
    told = {**fields, "correlation_id": correlation.id, "trace_id": correlation.trace_id}
    token = _current.set(correlation)
    lines = log_context.bind(lambda: told)
    try:
        yield told
    finally:
        log_context.release(lines)
        _current.reset(token)


class Step:
    """One step of an envelope's work: a span of its own, and the subject of all lines within."""

    def __init__(
        self, envelope: TransitionEnvelope, name: str, traceparent: str, fields: tracing.Facts
    ) -> None:
        self._envelope = envelope
        self._name = name
        self._fields = fields
        self._own = Correlation(
            id=envelope.correlation_id,
            traceparent=traceparent or child_of(envelope.traceparent),
        )

    def __enter__(self) -> tracing.Facts:
        """Begin; return the span's facts, to which the outcome may be added."""
        self._token = _current.set(self._own)
        self._lines = log_context.bind(self._facts)
        self._span = tracing.begin(
            name=self._name,
            own=self._own.traceparent,
            parent=self._envelope.traceparent,
            facts=self._facts,
        )
        return self._span.facts

    def __exit__(self, *error: Any) -> None:
        """End."""
        self._span.end(*error)
        log_context.release(self._lines)
        _current.reset(self._token)

    def _facts(self) -> tracing.Facts:
        return {**facts_of(self._envelope), **self._fields}


def working_on(
    envelope: TransitionEnvelope, *, step: str, traceparent: str = "", **fields: str | int
) -> Step:
    """Have everything inside, log lines included, belong to one step of an envelope's work.

    Args:
        traceparent: The step's own trace context, where it was made before.
    """
    return Step(envelope, step, traceparent, fields)


def facts_of(envelope: TransitionEnvelope) -> tracing.Facts:
    """Return the fields by which log lines about an envelope are found."""
    return {
        "transition_id": str(envelope.transition_id),
        "record": str(envelope.record_id),
        "transition": f"{envelope.workflow}.{envelope.transition}",
        "correlation_id": envelope.correlation_id,
        "trace_id": envelope.traceparent[3:35],
        "attempt": envelope.fence,
        "worker": envelope.worker,
    }
