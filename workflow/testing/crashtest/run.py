"""Every case of a workflow, one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow.engine.boundary import Boundary
from workflow.testing import invariants
from workflow.testing.crashtest.bench import Bench, CannotPrepare
from workflow.testing.crashtest.case import (
    RESCUES,
    RIPENINGS,
    STRAIGHT,
    UNDOS,
    Act,
    Case,
    Place,
    Verdict,
)
from workflow.testing.crashtest.hook import CrashTest, NoWay
from workflow.testing.crashtest.trial import CannotTry, Ending, attempt, undisturbed
from workflow.testing.forge import Forge

_PASSES = 8
"""How often a boundary may be passed by one transition and be looked for."""


@dataclass(frozen=True, kw_only=True)
class Untried:
    """A transition that could not be tried."""

    transition: str
    why: str


def run(
    *, test: CrashTest[Any], url: str, transitions: Collection[str], acts: Collection[Act]
) -> Iterator[Case | Untried | str]:
    """Try everything and yield each case; last, what is wrong with the database as a whole.

    Args:
        url: The scratch database, which this process uses too.
        transitions: Which; in the order of the workflow.
        acts: What people do in between; `Act.NONE` is always tried.
    """
    with tempfile.TemporaryDirectory(prefix="crashtest-") as folder, test.outside() as outside:
        environment = outside.environment
        with Forge(url=url, folder=Path(folder), environment=environment) as forge:
            bench = Bench(test=test, forge=forge, outside=outside)
            for transition in test.workflow.by_name:
                if transition in transitions:
                    yield from _try(bench, transition, acts)
            yield from invariants.faults()


def _try(bench: Bench, transition: str, acts: Collection[Act]) -> Iterator[Case | Untried]:
    try:
        usual = undisturbed(bench=bench, transition=transition)
    except (CannotPrepare, CannotTry, NoWay) as error:
        yield Untried(transition=transition, why=str(error))
        return
    for boundary in STRAIGHT:
        yield from _straight(bench, transition, boundary, acts, usual)
    undos = UNDOS if bench.workflow.by_name[transition].before else ()
    for place in (*RESCUES, *RIPENINGS, *undos):
        yield attempt(bench=bench, transition=transition, place=place, act=Act.NONE, usual=usual)
    for place in () if undos else UNDOS:
        yield Case(transition=transition, place=place, act=Act.NONE, verdict=Verdict.NOT_PASSED)
    if Act.RETRY in acts:
        place = Place(boundary=Boundary.CLAIM_COMMITTED)
        yield attempt(bench=bench, transition=transition, place=place, act=Act.RETRY, usual=usual)


def _straight(
    bench: Bench, transition: str, boundary: Boundary, acts: Collection[Act], usual: Ending
) -> Iterator[Case]:
    """Yield the cases at each passing of a boundary, until it is not passed again."""
    for number in range(1, _PASSES + 1):
        place = Place(boundary=boundary, time=number)
        first = attempt(bench=bench, transition=transition, place=place, act=Act.NONE, usual=usual)
        if first.verdict is not Verdict.NOT_PASSED or number == 1:
            yield first
        if first.verdict is Verdict.NOT_PASSED:
            return
        for act in (Act.REPEAT, Act.CANCEL, Act.PAUSE):
            if act in acts:
                yield attempt(
                    bench=bench, transition=transition, place=place, act=act, usual=usual
                )
