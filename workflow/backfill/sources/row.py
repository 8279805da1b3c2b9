"""What every source yields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from workflow.definition import WorkflowError
from workflow.models import Fault


class UnreadableSource(WorkflowError):
    """The source as a whole cannot be read; nothing was written."""

    code = "unreadable_source"

    def __init__(self, source: object, problem: str) -> None:
        self.source = source
        self.problem = problem
        super().__init__(f"{source}: {problem}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row that could be read."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bad:
    """One row that could not be read, with as much of it as could."""

    number: int
    problem: str
    raw: str
    fault: Fault = Fault.BROKEN_ROW


class Source(Protocol):
    """A place to read from, as often as one likes."""

    def rows(self) -> Iterator[Row | Bad]:
        """Yield the rows in their order, without holding them.

        Raises:
            UnreadableSource: Before the first row, when there is no reading it at all.
        """

    def columns(self) -> tuple[str, ...] | None:
        """Return the names that every row has; None where each row has its own."""

    def digest(self) -> str:
        """Return a SHA-256 of the whole; empty where it may change while it is read."""
