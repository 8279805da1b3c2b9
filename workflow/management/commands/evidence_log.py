"""Export the trail as a standard event log."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.definition import registry
from workflow.evidence.eventlog import Selection, cases, write_ocel, write_xes


class Command(BaseCommand):
    """Write the fired transitions of a workflow as XES or OCEL 2.0."""

    help = (
        "Write the fired transitions of a workflow as an event log that process-mining tools open:"
        " XES (IEEE 1849) or OCEL 2.0 in JSON."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file, the workflow and the period."""
        parser.add_argument("file", type=Path, help="To write; .xes, or .json for OCEL 2.0.")
        parser.add_argument("--workflow", required=True, help="Name of the workflow.")
        parser.add_argument(
            "--format", choices=("xes", "ocel"), help="Default: by the file's name."
        )
        parser.add_argument("--since", help="From this day or time on, as 2026-01-31 (UTC).")
        parser.add_argument("--until", help="Before this day or time.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Write it."""
        workflow = options["workflow"]
        if workflow not in registry.versions():
            known = ", ".join(registry.versions()) or "none"
            raise CommandError(f"No workflow {workflow!r}; there are: {known}.")
        selection = Selection(
            workflow=workflow,
            since=_time("--since", options["since"]),
            until=_time("--until", options["until"]),
        )
        file: Path = options["file"]
        form = options["format"] or {".xes": "xes", ".json": "ocel"}.get(file.suffix)
        if form is None:
            raise CommandError(f"{file}: end it in .xes or .json, or give --format.")
        try:
            with file.open("w", encoding="utf-8", newline="\n") as out:
                if form == "xes":
                    count = write_xes(cases=cases(selection), selection=selection, out=out)
                else:
                    count = write_ocel(
                        cases=partial(cases, selection), selection=selection, out=out
                    )
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{file}: {count:,} events.")


def _time(option: str, given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise CommandError(f"{option} {given!r} is no day or time; write 2026-01-31.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
