"""Send a public log of declarations through the live engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.examples.declarations.replay.ledger import lines
from workflow.examples.declarations.replay.rows import UnreadableFile
from workflow.examples.declarations.replay.run import Run
from workflow.examples.declarations.replay.simulation import Simulation
from workflow.examples.declarations.replay.table import table
from workflow.testing.downstream import Faults


class Command(BaseCommand):
    """Read, send, report."""

    help = (
        "Send every event of a declarations log (CSV, plain or gzipped) through the engine, each"
        " one several times under one id, and compare where the declarations end with the log."
        " Repeat it at will: what was done is not done again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file and how to send it."""
        parser.add_argument("file", type=Path, help="The log: .csv or .csv.gz.")
        parser.add_argument("--cases", type=int, help="Only the first N declarations.")
        parser.add_argument(
            "--duplicate", type=int, default=1, metavar="K", help="Send each event K times."
        )
        parser.add_argument(
            "--workers",
            type=int,
            default=0,
            metavar="W",
            help="Run W workers for the duration (default: rely on those that run).",
        )
        parser.add_argument(
            "--json", type=Path, metavar="FILE", help="Write the table there, too."
        )
        parser.add_argument(
            "--patience",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="Give up when nothing moves for so long (default: 60).",
        )

        parser.add_argument(
            "--simulate",
            action="store_true",
            help="Run simulated downstreams for the duration, and count what arrives there.",
        )
        parser.add_argument(
            "--faults",
            type=float,
            default=0.0,
            metavar="F",
            help="With --simulate: share of calls, 0 to 0.25, that fail; as many stall, land late,"
            " and are dropped.",
        )
        parser.add_argument("--seed", type=int, default=0, help="Draws which calls those are.")
        parser.add_argument(
            "--journal",
            type=Path,
            metavar="FILE",
            help="With --simulate: keeps what arrives (default: a file below var/replay for each"
            " database).",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Run, and show the table however it ends."""
        _check(options)
        run = Run(
            file=options["file"],
            cases=options["cases"],
            copies=options["duplicate"],
            workers=options["workers"],
            patience=options["patience"],
            progress=options.get("stderr") or sys.stderr,
            simulation=Simulation(
                faults=options["faults"], seed=options["seed"], journal=options["journal"]
            )
            if options["simulate"]
            else None,
        )
        try:
            problem = run.go()
        except UnreadableFile as error:
            raise CommandError(str(error)) from None
        report = run.report()
        for line in table(report):
            self.stdout.write(line)
        ledger = run.ledger()
        for line in lines(ledger):
            self.stdout.write(line)
        if options["json"]:
            told = report.as_json() | {"ledger": ledger.as_json()}
            options["json"].write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        if problem:
            raise CommandError(problem.text, returncode=problem.exit_code)
        if report.unfinished:
            raise CommandError(
                f"{report.unfinished:,} events have no outcome yet. Settle what is parked, then"
                " run this again: it goes on where it stopped."
            )
        if ledger.contradictions:
            raise CommandError("Ledger and downstreams disagree; see above.")


def _check(options: dict[str, Any]) -> None:
    for name, least in (("cases", 1), ("duplicate", 1), ("workers", 0)):
        if options[name] is not None and options[name] < least:
            raise CommandError(f"--{name} {options[name]}: at least {least}.")
    if options["simulate"] and not options["workers"]:
        raise CommandError(
            "--simulate needs --workers: those that run already call the address that they were"
            " started with."
        )
    for name in ("faults", "journal"):
        if options[name] and not options["simulate"]:
            raise CommandError(f"--{name} needs --simulate.")
    try:
        Faults.each(options["faults"])
    except ValueError as error:
        raise CommandError(f"--{error}.") from None
