"""Take the rejects of a backfill away, to mend them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.models import BackfillReject, BackfillRun


class Command(BaseCommand):
    """Write open rejects as JSON Lines, which `backfill` reads again."""

    help = (
        "Write the open rejects of a run as JSON Lines: each row as it was read, with the reason"
        " beside it. Mend them there and give the file to `backfill` under the same mapping, or"
        " mend the source and run that again; what is adopted then is resolved."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the run and the file."""
        parser.add_argument("run", help="Id of the run.")
        parser.add_argument("--out", type=Path, metavar="FILE", help="Default: standard output.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Write them."""
        rejects = BackfillReject.objects.filter(run=_run(options["run"]), resolved_at__isnull=True)
        lines = [_line(each) for each in rejects.iterator()]
        if options["out"]:
            options["out"].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            self.stdout.write(f"{len(lines):,} rejects in {options['out']}")
        else:
            for line in lines:
                self.stdout.write(line)


def _run(given: str) -> BackfillRun:
    try:
        return BackfillRun.objects.get(pk=UUID(given))
    except (ValueError, BackfillRun.DoesNotExist):
        raise CommandError(f"run {given!r}: there is none; the admin lists them.") from None


def _line(reject: BackfillReject) -> str:
    try:
        row = json.loads(reject.raw)
    except ValueError:
        row = {"": reject.raw}
    return json.dumps(row | {"rejected": f"{reject.code}: {reject.message}"})
