"""Every answer that a request can get."""

from __future__ import annotations

from dataclasses import dataclass

from workflow.definition import Refusal, WorkflowError
from workflow.models import TransitionEnvelope


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """It was written down and will be worked on."""

    envelope: TransitionEnvelope


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """This very request came before: here is how it stands; nothing new was started."""

    envelope: TransitionEnvelope


@dataclass(frozen=True, kw_only=True)
class Refused:
    """It cannot fire as the record stands; written down with each reason."""

    envelope: TransitionEnvelope
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Its transition id belongs to another request; only an audit entry was written."""

    envelope: TransitionEnvelope
    """The one that has the id."""


@dataclass(frozen=True, kw_only=True)
class Invalid:
    """It could not be read; nothing was written."""

    error: WorkflowError


Answer = Accepted | Repeated | Refused | Conflict | Invalid
