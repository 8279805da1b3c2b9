"""One campaign: begin, break, drain, count."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count

from audit.models import Entry
from workflow.effects.claim import is_due
from workflow.engine import clock
from workflow.examples.declarations.campaign import people
from workflow.examples.declarations.campaign.checks import KEPT, count_all, unended
from workflow.examples.declarations.campaign.faults import history
from workflow.examples.declarations.campaign.faults.fault import Fault
from workflow.examples.declarations.campaign.faults.plan import EVERY, plan
from workflow.examples.declarations.campaign.patience import insist
from workflow.examples.declarations.campaign.report import NEVER_BACK, Report
from workflow.examples.declarations.campaign.stage import SETTINGS, Stage
from workflow.examples.declarations.campaign.theatre import Theatre
from workflow.examples.declarations.console.interrupts import Interrupts
from workflow.models import EffectEntry, Record, State, TransitionEnvelope
from workflow.testing.postgres import Server

_EVERY_ON_TERMINAL = 1.0
_EVERY_ELSEWHERE = 15.0
_STILL = 3.0
"""Seconds for which nothing may be left, before it is believed."""


class NotEmpty(Exception):
    """The database has records in it."""


class NothingToInject(Exception):
    """None of the faults that are asked for can be injected here."""


class Run:
    """Holds what the report needs, however it ends."""

    def __init__(
        self,
        *,
        stage: Stage,
        server: Server | None,
        disk: Path | None,
        minutes: float,
        seed: int,
        rate: float,
        downstream_faults: float,
        records: int,
        patience: float,
        only: Collection[str],
        out: TextIO,
    ) -> None:
        """Take how long to break, and how.

        Args:
            rate: Requests a second, of all clients.
            downstream_faults: Share of calls that go wrong in each of four ways.
            records: How many there are to move.
            patience: Seconds within which everything must have come to an end once nobody asks
                for more.
            only: Kinds of faults to inject; empty for all of them.
            out: Where to show how far it is.
        """
        self._stage = stage
        self._patience = patience
        self._only = only
        self._server = server
        self._disk = disk
        self._seconds = minutes * 60
        self._rate = rate
        self._downstream_faults = downstream_faults
        self._records = records
        self._out = out
        self._shown = 0.0
        self._phase = "beginning"
        self._until = 0.0
        self.report = Report(
            database=connection.vendor,
            seed=seed,
            minutes=minutes,
            began=clock.now(),
            settings=SETTINGS,
        )

    def go(self) -> Report:
        """Do it, and return what came of it.

        Raises:
            NotEmpty: Records are there; nothing was touched.
        """
        if Record._meta.db_table in connection.introspection.table_names() and (
            Record.objects.exists() or TransitionEnvelope.objects.exists()
        ):
            raise NotEmpty(str(connection.settings_dict["NAME"]))
        call_command("migrate", verbosity=0)
        history_of = max(20, int(self._seconds))
        people.begin(
            stage=self._stage, records=self._records, history=history_of, seed=self.report.seed
        )
        with Interrupts(), ExitStack() as ending:
            theatre = Theatre(
                stage=self._stage,
                seed=self.report.seed,
                rate=self._rate,
                faults=self._downstream_faults,
                server=self._server,
                disk=self._disk,
                tick=self._tick,
            )
            ending.callback(theatre.destroy)
            theatre.until(lambda: all(host.is_ready for host in theatre.hosts), seconds=120)
            self._break(theatre)
            self._drain(theatre)
            self._count(theatre)
        return self.report

    def _break(self, theatre: Theatre) -> None:
        faults = self._possible(theatre)
        if not faults:
            raise NothingToInject(", ".join(self._only))
        history.begin(theatre)
        began = time.monotonic()
        self._until = began + self._seconds
        for fault, chance, pause in plan(seed=self.report.seed, faults=faults):
            self._phase = "waiting"
            theatre.wait(min(pause, max(0.0, self._until - time.monotonic())))
            if time.monotonic() >= self._until:
                break
            self._phase = fault.kind
            injected = fault.inject(theatre, chance)
            self.report.injected.append((fault.kind, injected))
        self.report.lasted = time.monotonic() - began

    def _possible(self, theatre: Theatre) -> list[Fault]:
        self.report.missing = {
            fault.kind: why for fault in EVERY if (why := fault.missing(theatre))
        }
        return [
            fault
            for fault in EVERY
            if fault.kind not in self.report.missing
            and (not self._only or fault.kind in self._only)
        ]

    def _drain(self, theatre: Theatre) -> None:
        """Bring every host to the newest release, and wait until nothing is left to do."""
        self._phase = "draining"
        theatre.end_clients()
        began = time.monotonic()
        for host in theatre.hosts:
            host.clock.write_text("0")
            if host.release != theatre.newest:
                host.deploy(theatre.newest)
        if theatre.backfill is not None:
            theatre.backfill.kill()
        history.begin(theatre, rate=None)
        theatre.until(lambda: self._has_ended(theatre), seconds=self._patience)
        self._check_backfill(theatre)
        still_since: list[float] = []

        def is_still() -> bool:
            if insist(lambda: is_due(now=clock.now()) or any(unended())):
                still_since.clear()
                return False
            still_since.append(time.monotonic())
            return still_since[-1] - still_since[0] > _STILL

        if not theatre.until(is_still, seconds=self._patience):
            self.report.remarks.append(f"It had not come to rest after {self._patience:.0f} s.")
        self.report.drained = time.monotonic() - began
        theatre.end()
        self.report.remarks += [each for host in theatre.hosts for each in host.remarks]

    @staticmethod
    def _has_ended(theatre: Theatre) -> bool:
        return theatre.backfill is not None and theatre.backfill.exit_code is not None

    def _check_backfill(self, theatre: Theatre) -> None:
        running = theatre.backfill
        if running is not None and running.exit_code:
            self.report.remarks.append(f"The backfill ended badly:\n{running.last_lines()}")

    def _count(self, theatre: Theatre) -> None:
        self._phase = "counting"
        report = self.report
        report.counts = count_all(stage=self._stage, journal=theatre.downstreams.journal)
        too_long = report.too_long()
        report.counts[NEVER_BACK] = (len(too_long), too_long[:KEPT])
        for line in self._stage.said("client-"):
            if "told" in line:
                report.requests[line["told"]] += 1
            elif "error" in line:
                report.errors[f"{line['error']}: {line['text']}"[:100].replace("|", "/")] += 1
            elif "lost_answer" in line:
                report.clients["answer lost after the commit, sent again"] += 1
            if line.get("way") in ("twice", "at_once", "earlier"):
                report.clients["same id sent again, or twice at once"] += 1
        for line in self._stage.said("operators"):
            if "double" in line:
                report.clients[f"by two operators at once: {line['double']}"] += 1
        report.errors = Counter(dict(report.errors.most_common(8)))
        states = TransitionEnvelope.objects.values_list("state").annotate(times=Count("pk"))
        report.transitions = Counter({str(State(state).value): times for state, times in states})
        effects = EffectEntry.objects.values_list("name", "state").annotate(times=Count("pk"))
        report.effects = Counter({f"{name}, {state}": n for name, state, n in effects})
        report.downstream = Counter(theatre.downstreams.journal.summary().faults)
        report.rows["entries of the trail"] = Entry.objects.count()
        report.rows["records"] = Record.objects.count()

    def _tick(self) -> None:
        """Show how far it is, about once a second."""
        now = time.monotonic()
        is_terminal = self._out.isatty()
        every = _EVERY_ON_TERMINAL if is_terminal else _EVERY_ELSEWHERE
        if now - self._shown < every:
            return
        self._shown = now
        left = max(0.0, self._until - now) if self._until else self._seconds
        line = (
            f"{left:5.0f} s left, {self._fired()} fired, {len(self.report.injected)} faults;"
            f" {self._phase}"
        )
        self._out.write(f"\r{line:<78}" if is_terminal else f"{line}\n")
        self._out.flush()

    @staticmethod
    def _fired() -> str:
        """Return how many; a database that is away is not waited for: it may be our turn."""
        try:
            return f"{TransitionEnvelope.objects.filter(state=State.FIRED).count():,}"
        except (DatabaseError, InterfaceError):
            connection.close()
            return "?"
