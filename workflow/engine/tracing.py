"""Spans for a tracing tool, if one is connected; nothing at all if none is.

The engine gives every step its place in the trace whether or not anybody records it: the ids are
ours, made where the step begins, kept on the envelope and sent downstream. A recorder, put in
place once at start, is told of each step under these very ids, so that a trace stays whole over
retries, restarts and hosts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

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


@contextmanager
def span(*, name: str, own: str, parent: str, facts: Mapping[str, str | int]) -> Iterator[Facts]:
    """Record a step, if anybody wants it; yield its facts, to which the outcome may be added."""
    told = dict(facts)
    if not _recorders:
        yield told
        return
    with _recorders[0].span(name=name, own=own, parent=parent, facts=told):
        yield told
