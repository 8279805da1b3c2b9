"""Declarations of our own making, which go the ways of the public log as often as it does.

The table counts how often one activity of the log follows another, over 10,357 real declarations.
The four steps that occur once and that no sensible workflow declares are left out.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from workflow.examples.declarations.replay.plan import Case, Plan, Planned
from workflow.examples.declarations.replay.rows import Event

_END = ""
_SAVED = "Declaration SAVED by EMPLOYEE"
_SUBMITTED = "Declaration SUBMITTED by EMPLOYEE"
_TAKEN_BACK = "Declaration REJECTED by EMPLOYEE"
_PRE_APPROVED = "Declaration APPROVED by PRE_APPROVER"
_PRE_REJECTED = "Declaration REJECTED by PRE_APPROVER"
_CHECKED = "Declaration APPROVED by ADMINISTRATION"
_CHECK_FAILED = "Declaration REJECTED by ADMINISTRATION"
_BUDGETED = "Declaration APPROVED by BUDGET OWNER"
_BUDGET_REFUSED = "Declaration REJECTED by BUDGET OWNER"
_APPROVED = "Declaration FINAL_APPROVED by SUPERVISOR"
_REJECTED = "Declaration REJECTED by SUPERVISOR"
_STOPPED = "Declaration REJECTED by MISSING"
_REQUESTED = "Request Payment"
_PAID = "Payment Handled"

NEXT: Mapping[str, Mapping[str, int]] = {
    "": {_SUBMITTED: 10222, _SAVED: 135},
    _SAVED: {_END: 134},
    _SUBMITTED: {
        _CHECKED: 8061,
        _APPROVED: 1536,
        _CHECK_FAILED: 936,
        _PRE_APPROVED: 685,
        _PRE_REJECTED: 86,
        _REJECTED: 60,
        _TAKEN_BACK: 7,
    },
    _CHECKED: {_APPROVED: 5073, _BUDGETED: 2747, _REJECTED: 184, _BUDGET_REFUSED: 57},
    _BUDGETED: {_APPROVED: 2716, _REJECTED: 31},
    _PRE_APPROVED: {_APPROVED: 674, _REJECTED: 11},
    _APPROVED: {_REQUESTED: 9912, _STOPPED: 86},
    _REQUESTED: {_PAID: 9911, _STOPPED: 3},
    _PAID: {_END: 9911},
    _TAKEN_BACK: {_SUBMITTED: 1066, _END: 284},
    _CHECK_FAILED: {_TAKEN_BACK: 917, _SUBMITTED: 19},
    _REJECTED: {_TAKEN_BACK: 283, _SUBMITTED: 2},
    _PRE_REJECTED: {_TAKEN_BACK: 85, _SUBMITTED: 1},
    _BUDGET_REFUSED: {_TAKEN_BACK: 57},
    _STOPPED: {_SUBMITTED: 61, _END: 28},
}

_ROLES: Mapping[str, str] = {_REQUESTED: "UNDEFINED", _PAID: "UNDEFINED"}
_PURPOSES = (
    "Conference in Utrecht",
    "Visit to the partner school",
    "Field work, day 2",
    "Examination board",
    "Train to the project meeting",
    "Library visit in Leiden",
    "Guest lecture",
    "Equipment pick-up",
)
_OPEN_SHARE = 0.15
"""Share of declarations that are cut short, so that each role finds something to do."""

_LONGEST = 40
_MEDIAN = 41.5
_SPREAD = 1.05
"""Amounts are spread like the log's: half below the median, one in a hundred above 700."""

_CAP = 2400.0


def walks(*, declarations: int, seed: int, token: str, now: datetime) -> Plan:
    """Return a plan of so many declarations; the same for the same arguments.

    Args:
        token: Part of each number, so that two demos in one database do not meet.
    """
    chance = random.Random(seed)  # noqa: S311  (makes examples, guards nothing)
    made = Plan()
    for index in range(1, declarations + 1):
        case = _case(chance, f"{token}-{index:04}", now)
        made.cases[case.id] = case
    return made


def _case(chance: random.Random, number: str, now: datetime) -> Case:
    amount = min(math.exp(chance.gauss(math.log(_MEDIAN), _SPREAD)), _CAP)
    case = Case(
        id=number,
        number=number,
        budget=f"B-{chance.randrange(100, 120)}",
        amount=Decimal(f"{amount:.2f}"),
        declared_on=now.astimezone(UTC).date(),
        purpose=chance.choice(_PURPOSES),
    )
    activities = list(_walk(chance))
    if chance.random() < _OPEN_SHARE:
        activities = activities[: chance.randrange(1, len(activities) + 1)]
    case.steps = [
        Planned(_event(case, place, activity, now)) for place, activity in enumerate(activities)
    ]
    return case


def _walk(chance: random.Random) -> Iterator[str]:
    activity = ""
    for _ in range(_LONGEST):
        ways = NEXT[activity]
        activity = chance.choices(list(ways), weights=list(ways.values()))[0]
        if activity == _END:
            return
        yield activity


def _event(case: Case, place: int, activity: str, now: datetime) -> Event:
    return Event(
        row=place + 1,
        case=case.id,
        event=f"{case.id}-{place + 1}",
        activity=activity,
        role=_ROLES.get(activity) or activity.rpartition(" by ")[2],
        resource="demo",
        occurred_at=now + timedelta(seconds=place),
        number=case.number,
        budget=case.budget,
        amount=case.amount,
    )
