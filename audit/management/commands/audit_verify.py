"""Verify the trail."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.verify import Report, verify

_SHOWN = 20
_SAY_EVERY = 1.0


class Command(BaseCommand):
    """Read every chain, or one, and say whether each entry is as it was written."""

    help = (
        "Verify the hash chains of the audit trail. Exits with 1 and names the first bad entry of"
        " each broken chain."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a chain."""
        parser.add_argument("--chain", help="Id of one record; default: all of them.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Verify with progress."""
        report = Report()
        said = time.monotonic()
        for report in verify(chain=_chain(options["chain"])):
            if time.monotonic() - said > _SAY_EVERY:
                said = time.monotonic()
                self.stderr.write(f"{report.entries:,} entries read ...")
        if options["chain"] and not report.entries:
            raise CommandError(f"No chain {options['chain']}.")
        for broken in report.breaks[:_SHOWN]:
            self.stderr.write(f"chain {broken.chain}: {broken.problem}")
        read = f"{report.entries:,} entries in {report.chains:,} chains"
        if not report.is_sound:
            raise CommandError(f"{len(report.breaks):,} chains are broken; read {read}.")
        self.stdout.write(f"Sound: {read}.")


def _chain(given: str | None) -> UUID | None:
    if given is None:
        return None
    try:
        return UUID(given)
    except ValueError:
        raise CommandError(f"--chain {given!r} is no id; copy it from the record.") from None
