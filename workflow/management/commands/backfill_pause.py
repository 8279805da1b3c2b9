"""Hold a backfill, and let it go on."""

from __future__ import annotations

import getpass
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.backfill import begin
from workflow.engine import clock
from workflow.models import BackfillRun


class Command(BaseCommand):
    """Pause a run after its present batch, or lift the pause."""

    help = "Hold a running backfill after its present batch; with --lift, let it go on."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the run."""
        parser.add_argument("run", nargs="?", help="Id of the run (default: the unfinished one).")
        parser.add_argument("--lift", action="store_true", help="Let it go on.")
        parser.add_argument("--reason", default="", help="Goes into the trail.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Turn its state."""
        run = _run(options["run"])
        turn = begin.go_on if options["lift"] else begin.pause
        actor = f"{getpass.getuser()}, command line"[:150]
        if not turn(run=run, actor=actor, reason=options["reason"], now=clock.now()):
            raise CommandError(f"Run {run.pk} is {run.state}; nothing was changed.")
        self.stdout.write(f"Run {run.pk} {'goes on' if options['lift'] else 'is paused'}.")


def _run(given: str | None) -> BackfillRun:
    runs = BackfillRun.objects.all()
    if given is None:
        found = list(runs.filter(state__in=BackfillRun.UNFINISHED)[:2])
        if len(found) != 1:
            raise CommandError(
                "There are several unfinished runs; name one."
                if found
                else "There is no unfinished run."
            )
        return found[0]
    try:
        return runs.get(pk=UUID(given))
    except (ValueError, BackfillRun.DoesNotExist):
        raise CommandError(f"run {given!r}: there is none; the admin lists them.") from None
