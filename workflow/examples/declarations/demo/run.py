"""One demo from beginning to end."""

from __future__ import annotations

import logging
import secrets
import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO
from uuid import UUID

from django.core.management import call_command
from django.core.management.base import CommandError

from workflow.engine import clock
from workflow.engine.limits import limits
from workflow.examples.declarations.console.child import Child, Workers
from workflow.examples.declarations.console.downstreams import Downstreams, NotUp
from workflow.examples.declarations.console.interrupts import Interrupts
from workflow.examples.declarations.console.progress import Progress
from workflow.examples.declarations.demo.check import faults
from workflow.examples.declarations.demo.people import DemoPeople, make_people
from workflow.examples.declarations.demo.walks import walks
from workflow.examples.declarations.demo.web import HOST, Visitor, serve
from workflow.examples.declarations.replay.beginning import begin
from workflow.examples.declarations.replay.delivery import Undelivered, deliver, waiting
from workflow.examples.declarations.replay.ledger import Ledger, ledger, lines
from workflow.examples.declarations.replay.plan import Plan
from workflow.examples.declarations.replay.report import Report, report
from workflow.examples.declarations.replay.sender import Sender, Stalled
from workflow.examples.declarations.replay.simulation import kept

_SEED = 2020
_PATIENCE = 45.0
_PAUSE = 0.02
_WATCH_EVERY = 0.5
_STOPS_WITHIN = 15.0
_WEB_LOG = "web.log"
_WORKERS_LOG = "workers.log"
_DOWNSTREAMS_LOG = "downstreams.log"
_JOURNAL = "downstreams.sqlite3"
_MAIL = "mail"


class Demo:
    """What it has started, so that it can stop it."""

    def __init__(
        self,
        *,
        port: int,
        declarations: int,
        workers: int,
        faults: float,
        folder: Path,
        out: TextIO,
        err: TextIO,
    ) -> None:
        self._port = port
        self._declarations = declarations
        self._workers = workers
        self._faults = faults
        self._folder = folder
        self._out = out
        self._err = err
        self._started = ExitStack()
        self.address = f"http://{HOST}:{port}"

    def go(self, *, stays: bool) -> list[str]:
        """Run the demo until Ctrl-C or SIGTERM, or, if it does not stay, until it is checked.

        Returns:
            What went wrong, in sentences; always all children are stopped.
        """
        found: list[str] = []
        with Interrupts() as interrupts:
            try:
                found += self._show(interrupts, stays=stays)
            except (Stalled, Undelivered) as stalled:
                found.append(f"{stalled} See {self._folder / _WORKERS_LOG}.")
            except NotUp as down:
                found.append(str(down))
            except KeyboardInterrupt:
                if not stays:
                    found.append("It was interrupted before it was checked.")
            finally:
                interrupts.ignore()
                self._say("Stopping ...")
                self._started.close()
        self._say("Stopped.")
        return found

    def _show(self, interrupts: Interrupts, *, stays: bool) -> list[str]:
        people = self._prepare()
        with interrupts.held():
            web = serve(port=self._port, output=self._folder / _WEB_LOG)
            self._started.callback(_stop_web, web)
        downstreams = self._simulate(interrupts)
        with interrupts.held():
            workers = Workers(
                workers=self._workers,
                changes={
                    "DOWNSTREAM_URL": downstreams.url,
                    "EMAIL_URL": f"filemail:///{self._folder / _MAIL}",
                },
                output=self._folder / _WORKERS_LOG,
            )
            self._started.callback(self._stop_workers, workers)
        visitor = Visitor(self.address)
        if not visitor.answers(web):
            return [f"The web server did not come up:\n{web.last_lines()}"]
        self._introduce(people, downstreams)
        plan, done = self._feed(people, workers)
        book = self._deliver(workers, downstreams)
        if not stays:
            self._say("Checking records, trail, effects and pages ...")
            wrong = faults(
                plan=plan, report=done, ledger=book, visitor=visitor, password=people.password
            )
            return list(wrong)
        self._say(f"All is running at {self.address}. Ctrl-C stops it.")
        return self._stay(web, workers, downstreams)

    def _simulate(self, interrupts: Interrupts) -> Downstreams:
        """Start the systems that declarations are told to."""
        with interrupts.held():
            downstreams = Downstreams(
                journal=kept(self._folder / _JOURNAL),
                faults=self._faults,
                seed=_SEED,
                output=self._folder / _DOWNSTREAMS_LOG,
            )
            self._started.callback(downstreams.close)
            self._started.callback(downstreams.stop)
        downstreams.wait()
        return downstreams

    def _deliver(self, workers: Workers, downstreams: Downstreams) -> Ledger:
        """Let the effects of all this be delivered, and say what came of them."""
        progress = Progress(stream=self._err, what="effects", total=waiting())

        def watch() -> None:
            for told in filter(None, (workers.watch(), downstreams.watch())):
                progress.say(told)
            time.sleep(_PAUSE)

        deliver(progress=progress, watch=watch, patience=_PATIENCE)
        book = ledger(downstreams.journal)
        for line in lines(book):
            self._say(f"  {line}".rstrip())
        self._say("")
        return book

    def _prepare(self) -> DemoPeople:
        began = time.monotonic()
        for log in (_WEB_LOG, _WORKERS_LOG, _DOWNSTREAMS_LOG):
            (self._folder / log).unlink(missing_ok=True)
        shutil.rmtree(self._folder / _MAIL, ignore_errors=True)
        self._say("Preparing the database ...")
        call_command("migrate", verbosity=0)
        people = make_people()
        self._say(f"Prepared in {time.monotonic() - began:.1f} s.")
        return people

    def _introduce(self, people: DemoPeople, downstreams: Downstreams) -> None:
        self._say(f"\n  {self.address}/        password of all: {people.password}\n")
        for name, group in people.sign_ins.items():
            self._say(f"  {name:<16}{group}")
        self._say(f"\n  Mail that goes out:           {self._folder / _MAIL}")
        self._say(f"  Simulated downstreams:        {downstreams.url}")
        self._say(f"  What they received:           {self._folder / _JOURNAL}\n")

    def _feed(self, people: DemoPeople, workers: Workers) -> tuple[Plan, Report]:
        """Bring the declarations along their ways, through the live engine."""
        token = f"D{secrets.token_hex(3).upper()}"
        plan = walks(declarations=self._declarations, seed=_SEED, token=token, now=clock.now())
        cases = list(plan.cases.values())
        # A line for each request would drown the progress; the trail has them all.
        logging.getLogger("workflow.engine").setLevel(logging.WARNING)
        progress = Progress(stream=self._err, what="declarations", total=len(cases))
        records: dict[str, UUID] = {}
        for found in begin(cases=cases, people=people, clock=clock.now):
            records |= found
            progress.show(len(records))
        progress.finish(len(records))
        sender = Sender(cases=cases, records=records, people=people, copies=2, clock=clock.now)
        progress = Progress(stream=self._err, what="transitions", total=plan.events)

        def after_round(moved: int) -> None:
            progress.show(sender.done, f"{sender.awaited:,} with the workers")
            told = workers.watch()
            if told:
                progress.say(told)
            if not moved:
                time.sleep(_PAUSE)

        sender.run(after_round=after_round, patience=_PATIENCE)
        progress.finish(sender.done)
        done = report(plan=plan, records=records, tally=sender.tally)
        self._say(
            f"{plan.events:,} transitions, each asked for twice: {done.states.get('fired', 0):,}"
            f" fired, {done.deduplicated:,} repetitions recognised."
        )
        return plan, done

    def _stay(self, web: Child, workers: Workers, downstreams: Downstreams) -> list[str]:
        while web.exit_code is None:
            for told in filter(None, (workers.watch(), downstreams.watch())):
                self._say(told)
            time.sleep(_WATCH_EVERY)
        return [f"The web server ended with exit code {web.exit_code}:\n{web.last_lines()}"]

    def _stop_workers(self, workers: Workers) -> None:
        if not workers.stop(within=limits().drain.total_seconds() + _STOPS_WITHIN):
            self._say("The workers did not stop in time and were killed.")

    def _say(self, line: str) -> None:
        self._out.write(f"{line}\n")
        self._out.flush()


def _stop_web(web: Child) -> None:
    web.stop(within=_STOPS_WITHIN)
    web.close()


def checked(found: list[str]) -> None:
    """Raise what was found.

    Raises:
        CommandError: Something was.
    """
    if found:
        raise CommandError("\n".join(["This went wrong:", *(f"- {each}" for each in found)]))
