"""What came of a plan, read from the database: the same however often and by whomever it was sent.

Only `sent` and `deduplicated` belong to one run. Everything else follows from the rows that the
engine wrote, so it does not depend on timing, on copies, or on what was killed meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from workflow.examples.declarations.replay.plan import Case, Plan, Planned
from workflow.examples.declarations.replay.sender import Tally
from workflow.models import FINAL, Record, State, TransitionEnvelope

_ASK = 400


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one event stands."""

    state: str
    """An envelope's state; `unsent` where there is none; `unwritten` where it was turned away."""

    code: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class RefusedStep:
    """One event that did not fire."""

    case: str
    row: int
    event: str
    before: str
    """Activity of the event before it in the log; empty for the first."""

    activity: str
    state: str
    code: str
    message: str

    def __str__(self) -> str:
        """Return one line for the table."""
        after = f" after {self.before!r}" if self.before else ""
        why = f"{self.state} ({self.code})" if self.code else self.state
        return f"{self.case}, row {self.row}: {self.activity!r}{after}: {why} {self.message}"


@dataclass(frozen=True, kw_only=True)
class Differing:
    """One declaration that does not end as the log does."""

    case: str
    expected: str
    actual: str
    why: str


@dataclass(kw_only=True)
class Report:
    """The table."""

    requested: int
    sent: int
    deduplicated: int
    states: dict[str, int]
    refused: dict[str, int]
    """Events refused, by reason code."""

    cases: int
    equal: int
    differing: list[Differing] = field(default_factory=list)
    not_fired: list[RefusedStep] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    repeated_rows: int = 0

    @property
    def unfinished(self) -> int:
        """Events without an outcome."""
        final = {str(state) for state in FINAL} | {"unwritten"}
        return sum(count for state, count in self.states.items() if state not in final)

    def as_json(self) -> dict[str, Any]:
        """Return the table as a JSON object."""
        return asdict(self) | {"unfinished": self.unfinished}


def report(*, plan: Plan, records: Mapping[str, UUID], tally: Tally) -> Report:
    """Compare what the database says with what the log says."""
    outcomes = _outcomes(plan, tally)
    statuses = _statuses(list(records.values()))
    made = Report(
        requested=plan.events,
        sent=tally.sent,
        deduplicated=tally.deduplicated,
        states=dict(sorted(Counter(each.state for each in outcomes.values()).items())),
        refused=dict(
            sorted(
                Counter(
                    each.code for each in outcomes.values() if each.state == State.REFUSED
                ).items()
            )
        ),
        cases=len(plan.cases),
        equal=0,
        broken=[str(row) for row in sorted(plan.broken, key=lambda row: row.row)],
        repeated_rows=plan.repeated_rows,
    )
    for case in plan.cases.values():
        steps = _not_fired(case, outcomes)
        made.not_fired += steps
        actual = statuses.get(records[case.id], "") if case.id in records else "not started"
        if actual == case.ends_in:
            made.equal += 1
            continue
        why = str(steps[0]) if steps else "all its events fired; something else moved it since"
        made.differing.append(
            Differing(case=case.id, expected=case.ends_in.value, actual=actual, why=why)
        )
    return made


def _outcomes(plan: Plan, tally: Tally) -> dict[UUID, Outcome]:
    found = {
        step.id: Outcome(state="unsent") for case in plan.cases.values() for step in case.steps
    }
    for pk, (code, message) in tally.problems.items():
        found[pk] = Outcome(state="unwritten", code=code, message=message)
    ids = [pk for pk, outcome in found.items() if outcome.state == "unsent"]
    for first in range(0, len(ids), _ASK):
        rows = TransitionEnvelope.objects.filter(pk__in=ids[first : first + _ASK])
        for pk, state, code, message in rows.values_list("pk", "state", "code", "message"):
            found[pk] = Outcome(state=state, code=code, message=message)
    return found


def _statuses(records: list[UUID]) -> dict[UUID, str]:
    found: dict[UUID, str] = {}
    for first in range(0, len(records), _ASK):
        rows = Record.objects.filter(pk__in=records[first : first + _ASK])
        found |= dict(rows.values_list("pk", "status"))
    return found


def _not_fired(case: Case, outcomes: Mapping[UUID, Outcome]) -> list[RefusedStep]:
    previous: list[Planned | None] = [None, *case.steps]
    return [
        RefusedStep(
            case=case.id,
            row=step.event.row,
            event=step.event.event,
            before="" if before is None else before.event.activity,
            activity=step.event.activity,
            state=outcomes[step.id].state,
            code=outcomes[step.id].code,
            message=outcomes[step.id].message,
        )
        for before, step in zip(previous, case.steps, strict=False)
        if outcomes[step.id].state != State.FIRED
    ]
