"""Bring history from elsewhere under the engine."""

from __future__ import annotations

import getpass
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.backfill import begin, lease
from workflow.backfill.dry import DryRun
from workflow.backfill.mapping import AnyMapping
from workflow.backfill.pace import Pace
from workflow.backfill.progress import Progress
from workflow.backfill.read import check_columns
from workflow.backfill.registered import find
from workflow.backfill.report import Report, of_run, table
from workflow.backfill.run import Backfill, Watcher
from workflow.backfill.sources import Source, choose
from workflow.backfill.tuning import tune
from workflow.definition import WorkflowError
from workflow.engine import clock
from workflow.models import BackfillReject, BackfillRun

_NICE = 10
_SHOWN = 20
_INTERRUPTED = 130


class Command(BaseCommand):
    """Read, adopt, report."""

    help = (
        "Adopt the history that SOURCE tells (a .csv, .jsonl or .xes file, gzipped or not, or"
        " table:NAME), as its mapping says. Nothing is sent and nobody is asked. It may be killed"
        " and resumed at any point, and repeated: what was adopted is recognised."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the source, its mapping, and how to go about it."""
        parser.add_argument("source", help="File, or table:[ALIAS/]NAME.")
        parser.add_argument(
            "--mapping", required=True, help="Name of a registered mapping, or the file it is in."
        )
        parser.add_argument("--workflow", help="Fail unless the mapping is for this workflow.")
        parser.add_argument("--dry-run", action="store_true", help="Report only, write nothing.")
        parser.add_argument(
            "--batch", type=int, default=250, metavar="N", help="Most records in a transaction."
        )
        parser.add_argument("--rate", type=float, metavar="N", help="Most events a second.")
        parser.add_argument(
            "--resume",
            action="store_true",
            help="Go on with the unfinished run of this source, if there is one; give it up and"
            " begin anew if the source has changed since.",
        )
        parser.add_argument(
            "--strict", action="store_true", help="Reject what would be adopted as an anomaly."
        )
        parser.add_argument("--encoding", default="utf-8", help="Of a text file (default: utf-8).")
        parser.add_argument(
            "--patience",
            type=float,
            default=30.0,
            metavar="SECONDS",
            help="Wait so long for records that have a transition in flight (default: 30).",
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="Write the table there too.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Run, and show the table."""
        _check(options)
        try:
            report = self._run(options)
        except WorkflowError as error:
            raise CommandError(str(error)) from None
        for line in table(report):
            self.stdout.write(line)
        self._show_rejects(report)
        if options["json"]:
            text = json.dumps(report.as_json(), indent=1)
            options["json"].write_text(f"{text}\n", encoding="utf-8")
        if report.accounted != report.rows:
            raise CommandError(
                f"{report.rows - report.accounted:,} rows are not accounted for; this is a fault"
                " of the program. Nothing that was adopted is wrong for it."
            )

    def _run(self, options: dict[str, Any]) -> Report:
        mapping = find(options["mapping"])(may_write=not options["dry_run"])
        if options["workflow"] not in (None, mapping.workflow):
            raise CommandError(
                f"--workflow {options['workflow']}: mapping {mapping.name!r} is for"
                f" {mapping.workflow!r}."
            )
        source = choose(options["source"], encoding=options["encoding"])
        check_columns(source=source, mapping=mapping, name=options["source"])
        if options["dry_run"]:
            self.stderr.write("Dry run: nothing is written.")
            return DryRun(
                mapping=mapping,
                source=source,
                name=options["source"],
                is_strict=options["strict"],
                clock=clock.now,
            ).go()
        return self._work(mapping, source, options)

    def _work(self, mapping: AnyMapping, source: Source, options: dict[str, Any]) -> Report:
        os.nice(_NICE)  # people who wait for live transitions go first
        tune()
        run = _taken_up(mapping, source, options)
        self.stderr.write(f"Run {run.pk}")
        progress = Progress(stream=options.get("stderr") or sys.stderr)
        backfill = Backfill(
            run=run,
            mapping=mapping,
            source=source,
            folder=Path(settings.ESCAPEMENT["BACKFILL_DIR"]),
            pace=Pace(rate=options["rate"], batch=options["batch"], clock=clock.now),
            clock=clock.now,
            watcher=Watcher(reading=progress.reading, adopting=progress.adopting),
        )
        try:
            backfill.go(patience=options["patience"])
        except KeyboardInterrupt:
            lease.give_up(run=run)
            raise CommandError(
                "Interrupted; what was adopted stays. --resume goes on.", returncode=_INTERRUPTED
            ) from None
        finally:
            progress.end()
        return of_run(run)

    def _show_rejects(self, report: Report) -> None:
        if not report.run:
            return
        rejects = BackfillReject.objects.filter(run_id=UUID(report.run), resolved_at__isnull=True)
        for each in rejects[:_SHOWN]:
            self.stderr.write(f"{each.reference or '(no record)'}, {each}")
        more = rejects.count() - _SHOWN
        if more > 0:
            self.stderr.write(f"... and {more:,} more: manage.py backfill_rejects {report.run}")


def _taken_up(mapping: AnyMapping, source: Source, options: dict[str, Any]) -> BackfillRun:
    """Return the run to work on, which is this process's from now on."""
    now = clock.now()
    actor = f"{getpass.getuser()}, command line"[:150]
    digest = source.digest()
    before = begin.unfinished(mapping=mapping, source=options["source"])
    if before is not None and options["resume"]:
        if before.source_digest == digest and before.is_strict == options["strict"]:
            begin.resume(run=before, actor=actor, now=now)
            return before
        # What the old run adopted stays, and is recognised by the new one.
        begin.abandon(run=before, actor=actor, now=now)
    return begin.begin(
        mapping=mapping,
        source=options["source"],
        digest=digest,
        is_strict=options["strict"],
        actor=actor,
        now=now,
    )


def _check(options: dict[str, Any]) -> None:
    if options["batch"] < 1:
        raise CommandError(f"--batch {options['batch']}: at least 1.")
    if options["rate"] is not None and options["rate"] <= 0:
        raise CommandError(f"--rate {options['rate']}: more than 0.")
