"""One run of the replay: plan, begin, send, and an orderly end however it comes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TextIO
from uuid import UUID

from workflow.engine import clock
from workflow.engine.limits import limits
from workflow.examples.declarations.console.child import Workers
from workflow.examples.declarations.console.downstreams import Downstreams, NotUp
from workflow.examples.declarations.console.interrupts import Interrupts
from workflow.examples.declarations.console.progress import Progress
from workflow.examples.declarations.replay.beginning import begin
from workflow.examples.declarations.replay.delivery import Undelivered, deliver, waiting
from workflow.examples.declarations.replay.ledger import Ledger, ledger
from workflow.examples.declarations.replay.people import People
from workflow.examples.declarations.replay.plan import Plan, plan
from workflow.examples.declarations.replay.report import Report, report
from workflow.examples.declarations.replay.rows import read
from workflow.examples.declarations.replay.sender import Sender, Stalled, Tally
from workflow.examples.declarations.replay.simulation import Simulation
from workflow.models import Cluster

_PAUSE = 0.02
"""Seconds between two looks for outcomes."""

_SEEN_WITHIN = timedelta(seconds=30)
_INTERRUPTED = 130
"""What shells take as "ended by Ctrl-C"."""


@dataclass(frozen=True)
class Problem:
    """Why a run ended early."""

    text: str
    exit_code: int = 1


class Run:
    """Holds what the report needs, also when the run is cut short."""

    def __init__(
        self,
        *,
        file: Path,
        cases: int | None,
        copies: int,
        workers: int,
        patience: float,
        progress: TextIO,
        simulation: Simulation | None = None,
    ) -> None:
        self._file = file
        self._cases = cases
        self._copies = copies
        self._workers = workers
        self._patience = patience
        self._stream = progress
        self._simulation = simulation
        self._downstreams: Downstreams | None = None
        self._plan = Plan()
        self._records: dict[str, UUID] = {}
        self._tally = Tally()
        self._people = People()

    def go(self) -> Problem | None:
        """Do it; return what went wrong, if anything did.

        Raises:
            UnreadableFile: The file is no log; nothing was written.
        """
        try:
            with Interrupts() as interrupts, _quiet():
                self._plan = plan(read(self._file), cases=self._cases)
                self._begin()
                self._send(interrupts)
        except NotUp as down:
            return Problem(str(down))
        except (Stalled, Undelivered) as stalled:
            return Problem(f"{stalled} {_whose_turn()}")
        except KeyboardInterrupt:
            return Problem(
                "Interrupted; the table shows how far it came. Run it again to go on.",
                exit_code=_INTERRUPTED,
            )
        return None

    def report(self) -> Report:
        """Return the table as things stand now."""
        return report(plan=self._plan, records=self._records, tally=self._tally)

    def ledger(self) -> Ledger:
        """Return what became of the effects, compared with the simulated downstreams' counts."""
        return ledger(self._downstreams.journal if self._downstreams else None)

    def _begin(self) -> None:
        cases = list(self._plan.cases.values())
        progress = Progress(stream=self._stream, what="declarations started", total=len(cases))
        for found in begin(cases=cases, people=self._people, clock=clock.now):
            self._records |= found
            progress.show(len(self._records))
        progress.finish(len(self._records))

    def _send(self, interrupts: Interrupts) -> None:
        sender = Sender(
            cases=list(self._plan.cases.values()),
            records=self._records,
            people=self._people,
            copies=self._copies,
            clock=clock.now,
        )
        self._tally = sender.tally
        progress = Progress(stream=self._stream, what="events", total=self._plan.events)
        with ExitStack() as started:
            children = self._start(interrupts, started, progress)

            def watch(moved: int) -> None:
                for child in children:
                    told = child.watch()
                    if told:
                        progress.say(told)
                if not moved:
                    time.sleep(_PAUSE)

            def after_round(moved: int) -> None:
                progress.show(sender.done, f"{sender.awaited:,} with the workers")
                watch(moved)

            try:
                sender.run(after_round=after_round, patience=self._patience)
            finally:
                progress.finish(sender.done)
            if children:
                self._deliver(watch)

    def _start(
        self, interrupts: Interrupts, started: ExitStack, progress: Progress
    ) -> list[Workers | Downstreams]:
        """Start the processes that are wanted; `started` stops them, workers first."""
        children: list[Workers | Downstreams] = []
        changes = {"LOG_LEVEL": "WARNING"}  # a log that is shown only if they fail is short
        if self._simulation is not None:
            with interrupts.held():
                self._downstreams = self._simulation.start()
                started.callback(self._downstreams.stop)
            self._downstreams.wait()
            changes["DOWNSTREAM_URL"] = self._downstreams.url
            children.append(self._downstreams)
        if self._workers:
            with interrupts.held():
                workers = Workers(workers=self._workers, changes=changes)
                started.callback(_stop, workers, progress)
            children.append(workers)
        return children

    def _deliver(self, watch: Callable[[int], None]) -> None:
        """Wait until every effect is done, or waits for a person.

        Raises:
            Undelivered: Nothing moved for long.
        """
        progress = Progress(stream=self._stream, what="effects delivered", total=waiting())
        deliver(progress=progress, watch=lambda: watch(0), patience=self._patience)


def _stop(workers: Workers, progress: Progress) -> None:
    if not workers.stop(within=limits().drain.total_seconds() + 15):
        progress.say("The workers did not stop in time and were killed.")


def _whose_turn() -> str:
    """Return what to do about a stall."""
    alive = Cluster.objects.filter(
        stopped_at__isnull=True, seen_at__gte=clock.now() - _SEEN_WITHIN
    )
    names = ", ".join(alive.values_list("name", flat=True))
    if names:
        return f"Workers are alive ({names}): look at their log."
    return "No worker is alive: start `manage.py work`, or give --workers, and run this again."


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out the engine's line for each of many thousand requests; the table tells of them."""
    engine = logging.getLogger("workflow.engine")
    before = engine.level
    engine.setLevel(max(before, logging.WARNING))
    try:
        yield
    finally:
        engine.setLevel(before)
