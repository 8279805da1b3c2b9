"""Everything that happened to a record, on one page: who asked, what changed, what was sent.

The trail's entries are grouped by the transition that they speak of, so that one request is one
step: with its repetitions, attempts, refusals and the acts of people inside it. What no transition
caused (the beginning, corrections of fields) is a step of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from audit.models import Entry
from workflow.engine.trail import Action
from workflow.models import Attempt, Ending, Record, State, Tracked, TransitionEnvelope
from workflow.queries import names
from workflow.queries.effects import Told, effects_of
from workflow.queries.fields import Correction, changes_of
from workflow.queries.lines import Line, folded, line_of
from workflow.queries.said import entries_said, put_back
from workflow.queries.values import Change
from workflow.queries.world import World

AT_ONCE = 200
"""Entries on one page of a timeline."""

_ASIDE = (Action.REPEATED, Action.CONFLICT, Action.LATE, Action.DENIED)
"""Entries that do not change how a request stands."""


@dataclass(kw_only=True)
class Step:
    """One request with all that followed from it, or one thing that needed no request."""

    at: datetime
    """When it began."""

    label: str
    actor: str
    transition_id: UUID | None = None
    envelope: TransitionEnvelope | None = None
    lines: list[Line] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    effects: list[Told] = field(default_factory=list)
    history_row: int | None = None
    """Key of the history row that its changes are from."""

    number: int | None = None
    """Which move of the record it was; None if it was none."""

    @property
    def reason(self) -> str:
        """What was given as the reason of the request."""
        return self.envelope.reason if self.envelope else self.lines[0].reason

    @property
    def is_quiet(self) -> bool:
        """Whether nothing came of it: refused, cancelled."""
        return self.envelope is not None and self.envelope.state in (
            State.REFUSED,
            State.CANCELLED,
        )

    @property
    def is_stopped_timer(self) -> bool:
        """Whether it is a timer that the record did not wait for."""
        return self.envelope is not None and self.envelope.code == "status_left"

    @property
    def shown_lines(self) -> list[Line]:
        """The lines that add something to how it began and how it ended."""
        if self.envelope is None:
            return []
        ends = (Action.REQUESTED, Action.FIRED, Action.EFFECT_DONE, Action.CALLING)
        return folded(
            line
            for line in self.lines
            if line.action not in ends and not (line is self.last and line.refusals)
        )

    @property
    def failed_attempts(self) -> bool:
        """Whether its attempts tell more than that it was done."""
        return len(self.attempts) > 1 or any(
            attempt.ending not in (Ending.FIRED, Ending.REFUSED) for attempt in self.attempts
        )

    @property
    def last(self) -> Line:
        """The line that says how it ended, or how it stands."""
        fired = next((line for line in self.lines if line.action == Action.FIRED), None)
        if fired is not None:
            return fired
        for line in reversed(self.lines):
            if line.action not in _ASIDE:
                return line
        return self.lines[-1]

    @property
    def tone(self) -> str:
        """How the step is coloured."""
        if any(each.entry.is_stuck for each in self.effects):
            return "bad"
        return "quiet" if self.is_quiet else self.last.tone


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A page of a record's history, the newest first."""

    steps: tuple[Step, ...]
    older: int | None
    """Sequence before which there is more; None: this is the beginning."""


def timeline(
    *,
    record: Record,
    subject: Tracked | None,
    before: int | None = None,
    hidden: Collection[str] = (),
    at_most: int = AT_ONCE,
    reveal: bool = True,
    world: World | None = None,
    now: datetime,
) -> Timeline:
    """Return a page of the record's history; at most seven statements, whatever its length.

    Args:
        before: Only entries with a lower sequence.
        hidden: Names of fields whose values are not shown.
        reveal: Whether texts that are kept beside the trail are put back.
        world: What the diagnosis of unfinished calls rests on.
    """
    entries = Entry.objects.filter(chain=record.pk).order_by("-sequence")
    if before is not None:
        entries = entries.filter(sequence__lt=before)
    found = list(entries[: at_most + 1])
    older = found[at_most - 1].sequence if len(found) > at_most else None
    found = entries_said(found[:at_most], reveal=reveal)
    ids = {entry.transition_id for entry in found if entry.transition_id is not None}
    envelopes = TransitionEnvelope.objects.filter(record=record.pk).in_bulk(list(ids))
    put_back(envelopes.values(), reveal=reveal)
    steps = _steps(record, reversed(found), envelopes)
    _add_attempts(steps, ids)
    for key, told in effects_of(ids, world=world or World(), now=now).items():
        if key in steps:
            steps[key].effects = told
    _add_changes(steps, subject, hidden, since=_since(found, older))
    ordered = sorted(steps.values(), key=lambda step: step.lines[0].sequence, reverse=True)
    return Timeline(steps=tuple(_merge(ordered)), older=older)


Key = UUID | int


def _steps(
    record: Record, entries: Any, envelopes: Mapping[UUID, TransitionEnvelope]
) -> dict[Key, Step]:
    steps: dict[Key, Step] = {}
    for entry in entries:
        line = line_of(entry, workflow=record.workflow)
        envelope = envelopes.get(entry.transition_id) if entry.transition_id else None
        key: Key = entry.sequence if envelope is None else envelope.pk
        if key not in steps:
            steps[key] = Step(
                at=entry.at,
                label=_label(record, line, envelope),
                actor=names.actor(entry.actor if envelope is None else envelope.actor_label),
                transition_id=entry.transition_id,
                envelope=envelope,
                number=None if envelope is None else envelope.resulting_version,
            )
        steps[key].lines.append(line)
    return steps


def _label(record: Record, line: Line, envelope: TransitionEnvelope | None) -> str:
    if envelope is not None:
        return names.transition(record.workflow, envelope.transition)
    return line.words


def _add_attempts(steps: Mapping[Key, Step], ids: Collection[UUID]) -> None:
    for attempt in Attempt.objects.filter(envelope__in=ids).order_by("envelope", "fence"):
        steps[attempt.envelope_id].attempts.append(attempt)


def _since(found: list[Entry], older: int | None) -> datetime | None:
    return found[-1].at if found and older is not None else None


def _add_changes(
    steps: dict[Key, Step],
    subject: Tracked | None,
    hidden: Collection[str],
    since: datetime | None,
) -> None:
    if subject is None:
        return
    for place, correction in enumerate(changes_of(subject, hidden=hidden, since=since)):
        step = steps.get(correction.transition_id) if correction.transition_id else None
        if step is not None:
            step.changes = correction.changes
            step.history_row = correction.row
        elif correction.transition_id is None and not correction.is_first:
            steps[-1 - place] = _corrected(correction)


def _corrected(correction: Correction) -> Step:
    line = Line.of_correction(at=correction.at, actor=correction.actor, reason=correction.reason)
    return Step(
        at=correction.at,
        label=line.words,
        actor=correction.actor,
        lines=[line],
        changes=correction.changes,
        history_row=correction.row,
    )


def _merge(steps: list[Step]) -> list[Step]:
    """Put corrections, which have no place in the chain, where their time belongs."""
    chained = [step for step in steps if step.lines[0].sequence]
    loose = [step for step in steps if not step.lines[0].sequence]
    for step in loose:
        place = next((i for i, each in enumerate(chained) if each.at <= step.at), len(chained))
        chained.insert(place, step)
    return chained
