"""Try the invariants on one's own database server."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.testing.conformance.report import Report
from workflow.testing.conformance.run import run
from workflow.testing.scratch import NoScratch, scratch

_FAILED, _COULD_NOT = 1, 2
"""Exit codes; 0: everything held."""

_ELSEWHERE = "ESCAPEMENT_CONFORMANCE_OF"
"""Environment variable: the database that was asked for, once settings name it."""


class Command(BaseCommand):
    """Try the server on a database that is made for it and destroyed afterwards."""

    help = (
        "Try what the engine relies on against the database server, over real concurrent"
        " connections, in a scratch database beside the configured one. Prints a report for a"
        " validation file."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the server."""
        parser.add_argument("--database", metavar="URL", help="Another than the configured one.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument("--out", type=Path, help="Write the report to a file.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Try everything, and report.

        Raises:
            CommandError: Something failed, or nothing could be tried.
        """
        if options["database"] and os.environ.get(_ELSEWHERE) != options["database"]:
            _go_on_with(options["database"])
        # A line for each request would drown the report.
        logging.getLogger("workflow").setLevel(logging.ERROR)
        began = time.monotonic()
        try:
            with scratch(purpose="conformance"):
                report = Report()
                for result in run():
                    report.results.append(result)
        except NoScratch as error:
            raise CommandError(str(error), returncode=_COULD_NOT) from error
        report.seconds = time.monotonic() - began
        self._tell(report, options)
        if not report.is_sound:
            raise CommandError(report.sentence(), returncode=_FAILED)

    def _tell(self, report: Report, options: dict[str, Any]) -> None:
        if options["json"]:
            text = json.dumps(report.as_json(), indent=2)
        else:
            text = "\n".join(report.markdown())
        if options["out"] is None:
            self.stdout.write(text)
            return
        try:
            options["out"].write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"--out {options['out']}: {error}", returncode=_COULD_NOT) from None
        self.stdout.write(f"{report.sentence()} The report is in {options['out']}.")


def _go_on_with(url: str) -> None:
    """Replace this process by one whose settings name the database: they are read before it."""
    os.environ |= {"DATABASE_URL": url, "SECRET_KEY": settings.SECRET_KEY, _ELSEWHERE: url}
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606  (no shell)
