"""Kill the workers of one's own workflow at every durable boundary."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.definition import registry
from workflow.testing.crashtest import find
from workflow.testing.crashtest.case import Act, Case, Verdict
from workflow.testing.crashtest.hook import CrashTest, names
from workflow.testing.crashtest.report import Report
from workflow.testing.crashtest.run import run
from workflow.testing.forge import WorkerFailed
from workflow.testing.scratch import NoScratch, scratch

_BROKEN, _COULD_NOT = 1, 2
"""Exit codes; 0: everything that was tried came out whole."""

_SAY_EVERY = 2.0
_ACTS = {
    "repeat": Act.REPEAT,
    "cancel": Act.CANCEL,
    "pause": Act.PAUSE,
    "retry": Act.RETRY,
}


class Command(BaseCommand):
    """Try a workflow on a database that is made for it and destroyed afterwards."""

    help = (
        "Kill workers by SIGKILL at every durable boundary of every transition of a workflow, with"
        " people's acts in between, let others recover, and count. On a scratch database beside"
        " the configured one, never on that itself. Prints a report for a validation file."
    )
    missing_args_message = "Say which workflow, such as: declaration"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the workflow, and how much of it."""
        parser.add_argument("workflow", help="Its name, or that of the app it is in.")
        parser.add_argument(
            "--transition", action="append", default=[], help="Only this one; may be repeated."
        )
        parser.add_argument(
            "--acts",
            default=",".join(_ACTS),
            help=f"What people do in between, of {', '.join(_ACTS)}; or none. Default: all.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument("--out", type=Path, help="Write the report to a file.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Try everything, and report.

        Raises:
            CommandError: Something broke, or nothing could be tried.
        """
        test = _test(options["workflow"])
        transitions = _transitions(test, options["transition"])
        acts = _acts(options["acts"])
        # A line for each request would drown the report.
        logging.getLogger("workflow").setLevel(logging.ERROR)
        began = self._said = time.monotonic()
        try:
            with scratch(purpose="crashtest") as url:
                report = Report(workflow=test.workflow)
                for found in run(test=test, url=url, transitions=transitions, acts=acts):
                    report.take(found)
                    if isinstance(found, Case):
                        self._show(report, found)
        except (NoScratch, WorkerFailed) as error:
            raise CommandError(str(error), returncode=_COULD_NOT) from error
        report.seconds = time.monotonic() - began
        self._tell(report, options)
        if not report.is_sound:
            raise CommandError(report.sentence(), returncode=_BROKEN)

    def _show(self, report: Report, case: Case) -> None:
        if case.verdict is Verdict.BROKEN:
            self.stderr.write(
                f"BROKEN: {case.transition}, killed at {case.place}, {case.act}:"
                f" {'; '.join(case.faults)}"
            )
        if time.monotonic() - self._said > _SAY_EVERY:
            self._said = time.monotonic()
            self.stderr.write(f"{case.transition}: {len(report.cases):,} cases so far ...")

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
            sys.stdout.write(f"{text}\n")  # hours may have gone into it
            raise CommandError(f"--out {options['out']}: {error}", returncode=_COULD_NOT) from None
        self.stdout.write(f"{report.sentence()} The report is in {options['out']}.")


def _test(given: str) -> CrashTest[Any]:
    by_app = {
        each.subject._meta.app_label: each.name
        for each in registry.everything()
        if hasattr(each.subject, "_meta")
    }
    test = find(given) or find(by_app.get(given, ""))
    if test is None:
        there = ", ".join(names()) or "none"
        raise CommandError(
            f"There is no crash test of {given!r}; there is: {there}. Write a crashtest.py next to"
            " the app's workflows.py, as docs/howto/validate.md says.",
            returncode=_COULD_NOT,
        )
    return test


def _transitions(test: CrashTest[Any], given: list[str]) -> list[str]:
    known = list(test.workflow.by_name)
    unknown = [each for each in given if each not in known]
    if unknown:
        raise CommandError(
            f"--transition {unknown[0]!r}: {test.workflow.key} has {', '.join(known)}.",
            returncode=_COULD_NOT,
        )
    return given or known


def _acts(given: str) -> list[Act]:
    names = [] if given == "none" else [each.strip() for each in given.split(",")]
    unknown = [each for each in names if each not in _ACTS]
    if unknown:
        raise CommandError(
            f"--acts {unknown[0]!r}: choose of {', '.join(_ACTS)}, separated by commas; or none.",
            returncode=_COULD_NOT,
        )
    return [_ACTS[each] for each in names]
