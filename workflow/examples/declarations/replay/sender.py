"""Sending the plan: many declarations at once, the events of each one after the other.

The next event of a declaration goes out when the one before has its outcome, so each is judged on
the status that the live engine has brought the declaration to. An event that was refused does not
stop its declaration: those after it are judged like any other. One that is parked does, because it
holds the record's slot until a person has decided.

Every event is sent several times: at once, in the same bulk call, and again in a later call, when
the first copy may be waiting, running or long done. At most `WINDOW` requests await their outcome.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

import structlog
from django.db import connection
from django.db.utils import InterfaceError, OperationalError

from workflow.definition import Reason, WorkflowError
from workflow.engine.answer import Accepted, Answer, Conflict, Invalid, Refused, Repeated
from workflow.engine.request import Request
from workflow.engine.submit import submit_many
from workflow.examples.declarations.replay.people import Roster
from workflow.examples.declarations.replay.plan import NAMESPACE, Case, Planned
from workflow.examples.declarations.workflows import DECLARATION
from workflow.models import FINAL, Origin, Priority, State, TransitionEnvelope

log = structlog.get_logger(__name__)

WINDOW = 1000
"""Envelopes that await their outcome at a time: enough to keep workers busy."""

_TWO = 2
"""With three copies and more, there are both kinds of copies; with two, events take turns."""

_CALL = 200
"""Events in one bulk call, before copies."""

_ASK = 400
"""Ids in one question; SQL Server takes 2,100 parameters a statement."""


class Stalled(WorkflowError):
    """Nothing came to an outcome for a long time, though something is due."""

    code = "stalled"

    def __init__(self, seconds: float, outstanding: Sequence[Planned]) -> None:
        self.outstanding = tuple(outstanding)
        super().__init__(
            f"No event came to an outcome for {seconds:.0f} s; {len(outstanding):,} are waiting."
        )


@dataclass
class Tally:
    """What was sent and answered, in this run."""

    sent: int = 0
    deduplicated: int = 0
    problems: dict[UUID, tuple[str, str]] = field(default_factory=dict)
    """Code and words for events that were not written down: invalid, or a conflict."""


@dataclass
class _Way:
    """How far one declaration has come."""

    record: UUID
    case: Case
    next: int = 0

    @property
    def step(self) -> Planned:
        return self.case.steps[self.next]


class Sender:
    """One run over a plan. Ids are derived, so any number of runs add up to one."""

    def __init__(
        self,
        *,
        cases: Sequence[Case],
        records: Mapping[str, UUID],
        people: Roster,
        copies: int,
        clock: Callable[[], datetime],
    ) -> None:
        self.tally = Tally()
        self.done = 0
        """Events that have their outcome, or wait for good behind a parked one."""

        self._people = people
        self._copies = copies
        self._clock = clock
        self._ready = deque(_Way(records[case.id], case) for case in cases if case.steps)
        self._awaited: dict[UUID, _Way] = {}
        self._echoes: deque[Request] = deque()

    @property
    def awaited(self) -> int:
        """How many events are with the workers."""
        return len(self._awaited)

    def run(self, *, after_round: Callable[[int], None], patience: float) -> None:
        """Send everything, and collect what comes of it, in rounds.

        Args:
            after_round: Called with how many requests moved; waits a little if none did.
            patience: Seconds.

        Raises:
            Stalled: Nothing moved for `patience` seconds.
        """
        moved_at = time.monotonic()
        while self._ready or self._awaited or self._echoes:
            try:
                moved = self._send() + self._collect()
            except (OperationalError, InterfaceError) as error:
                # The database was away or busy. The same ids go out again: nothing is doubled.
                log.warning("database.away", process="replay", error=str(error))
                connection.close()
                moved = 0
            if moved or self._is_backing_off(moved_at, patience):
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > patience:
                raise Stalled(patience, [way.step for way in self._awaited.values()])
            after_round(moved)

    def _send(self) -> int:
        ways = [
            self._ready[index]
            for index in range(min(len(self._ready), _CALL, WINDOW - len(self._awaited)))
        ]
        requests = [self._request(way) for way in ways]
        twins = [request for request in requests if self._copies_at_once(request) > 1]
        echoes = [self._echoes[index] for index in range(min(len(self._echoes), 2 * _CALL))]
        if not requests and not echoes:
            return 0
        answers = submit_many(requests=[*requests, *twins, *echoes], now=self._clock())
        for _ in ways:
            self._ready.popleft()
        for _ in echoes:
            self._echoes.popleft()
        for request in requests:
            later = self._copies - self._copies_at_once(request)
            self._echoes.extend([request] * later)
        self._count(answers)
        for way, answer in zip(ways, answers, strict=False):
            self._take(way, answer)
        return len(answers)

    def _copies_at_once(self, request: Request) -> int:
        """Return 2 where a copy goes into the same call, else 1."""
        if self._copies == _TWO:
            return 1 + request.transition_id.int % 2
        return min(self._copies, 2)

    def _count(self, answers: Sequence[Answer]) -> None:
        self.tally.sent += len(answers)
        self.tally.deduplicated += sum(isinstance(answer, Repeated) for answer in answers)

    def _take(self, way: _Way, answer: Answer) -> None:
        match answer:
            case Accepted(envelope=envelope) | Repeated(envelope=envelope):
                self._await(way, envelope)
            case Refused():
                self._advance(way)
            case Conflict(envelope=envelope):
                message = f"its id belongs to another request for {envelope.transition!r}"
                self.tally.problems[way.step.id] = ("conflict", message)
                self._advance(way)
            case Invalid(error=error):
                self.tally.problems[way.step.id] = (error.code, str(error))
                self._advance(way)

    def _await(self, way: _Way, envelope: TransitionEnvelope) -> None:
        if envelope.is_final:
            self._advance(way)
        else:
            self._awaited[envelope.transition_id] = way

    def _advance(self, way: _Way) -> None:
        self.done += 1
        way.next += 1
        if way.next < len(way.case.steps):
            self._ready.append(way)

    def _collect(self) -> int:
        """Take up what has come to an outcome since."""
        ids = list(self._awaited)
        moved = 0
        for first in range(0, len(ids), _ASK):
            settled = TransitionEnvelope.objects.filter(
                pk__in=ids[first : first + _ASK], state__in=[*FINAL, State.PARKED]
            ).values_list("pk", "state")
            for pk, state in settled:
                way = self._awaited.pop(pk)
                moved += 1
                if state == State.PARKED:
                    self.done += len(way.case.steps) - way.next
                else:
                    self._advance(way)
        return moved

    def _is_backing_off(self, moved_at: float, patience: float) -> bool:
        """Return whether all that is awaited is between two attempts: then there is no stall."""
        if time.monotonic() - moved_at <= patience:
            return False
        due = TransitionEnvelope.objects.filter(due_at__lte=self._clock())
        ids = list(self._awaited)
        return not any(
            due.filter(pk__in=ids[first : first + _ASK]).exists()
            for first in range(0, len(ids), _ASK)
        )

    def _request(self, way: _Way) -> Request:
        event = way.step.event
        transition = way.step.step.transition
        needs_reason = DECLARATION.by_name[transition].reason is Reason.REQUIRED
        reason = f"{event.activity} on {event.occurred_at:%Y-%m-%d}" if needs_reason else ""
        return Request(
            record=way.record,
            transition=transition,
            transition_id=way.step.id,
            user=self._people.get(event.role, event.resource),
            reason=reason,
            origin=Origin.COMMAND,
            correlation_id=uuid5(NAMESPACE, event.case).hex,
            priority=Priority.BULK,
        )
