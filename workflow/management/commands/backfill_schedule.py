"""Have a backfill started again and again."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from workflow.backfill.registered import find
from workflow.backfill.sources import choose
from workflow.definition import WorkflowError
from workflow.worker.schedule import EVERY, schedule_backfill, unschedule_backfill


class Command(BaseCommand):
    """Make, change or take away a schedule."""

    help = (
        "Have the workers' cluster start `backfill SOURCE --mapping NAME --resume` every hour,"
        " day, week or month. One that is still going is not started twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the source, its mapping and the time."""
        parser.add_argument("source", help="File, or table:[ALIAS/]NAME.")
        parser.add_argument("--mapping", required=True, help="Name of a registered mapping.")
        parser.add_argument("--every", choices=list(EVERY), default="day")
        parser.add_argument(
            "--at", default="", metavar="HH:MM", help="First time, local (default: now)."
        )
        parser.add_argument("--off", action="store_true", help="Take the schedule away.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Write the schedule."""
        source = options["source"]
        if not source.startswith("table:"):
            source = str(Path(source).resolve())
        try:
            mapping = find(options["mapping"]).name
            if options["off"]:
                if not unschedule_backfill(source=source, mapping=mapping):
                    raise CommandError(f"There is no schedule for {source} as {mapping}.")
                self.stdout.write("Taken away.")
                return
            choose(source)
            first = _first(options["at"])
            name = schedule_backfill(
                source=source, mapping=mapping, every=options["every"], first=first
            )
        except WorkflowError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{name}: every {options['every']} from {first:%Y-%m-%d %H:%M %Z}.")


def _first(given: str) -> datetime:
    now = timezone.localtime()
    if not given:
        return now
    try:
        at = time.fromisoformat(given)
    except ValueError:
        raise CommandError(f"--at {given!r} is no time; write it as 03:00.") from None
    first = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return first if first > now else first + timedelta(days=1)
