"""Spans for a tracing tool, if one is connected; nothing at all if none is.

The engine gives every step its place in the trace whether or not anybody records it: the ids are
ours, made where the step begins, kept on the envelope and sent downstream. A recorder, put in
place once at start, is told of each step under these very ids, so that a trace stays whole over
retries, restarts and hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

Facts = dict[str, str | int]
"""What a span says of its step; the step may add to it until it ends."""


class Recorder(Protocol):
    """Keeps spans, or sends them somewhere. May not raise."""

    def span(
        self, *, name: str, own: str, parent: str, facts: Facts
    ) -> AbstractContextManager[None]:
        """Record one step, from entering to leaving.

        Args:
            own: The step's trace context.
            parent: That of what caused it; the same trace, or empty.
        """


_recorders: list[Recorder] = []


def connect(recorder: Recorder) -> None:
    """Have every step of this process recorded from now on."""
    _recorders[:] = [recorder]


def is_recorded() -> bool:
    """Return whether anybody wants to know."""
    return bool(_recorders)


class Span:
    """One step that is under way, recorded if anybody wants it."""

    def __init__(self, recording: AbstractContextManager[None] | None, facts: Facts) -> None:
        self.facts = facts
        self._recording = recording
        if recording is not None:
            recording.__enter__()

    def end(self, *error: Any) -> None:
        """End it; called once, with what `__exit__` gets."""
        if self._recording is not None:
            self._recording.__exit__(*error)


def begin(*, name: str, own: str, parent: str, facts: Callable[[], Facts]) -> Span:
    """Begin a step. Its facts are put together only if it is recorded."""
    if not _recorders:
        return Span(None, {})
    told = facts()
    return Span(_recorders[0].span(name=name, own=own, parent=parent, facts=told), told)


@contextmanager
def span(*, name: str, own: str, parent: str, facts: Facts) -> Iterator[Facts]:
    """Record a step, if anybody wants it; yield its facts, to which the outcome may be added."""
    step = begin(name=name, own=own, parent=parent, facts=lambda: dict(facts))
    try:
        yield step.facts
    except BaseException as error:
        step.end(type(error), error, error.__traceback__)
        raise
    step.end(None, None, None)
