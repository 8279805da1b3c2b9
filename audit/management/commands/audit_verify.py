"""Verify the trail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import anchored, keys
from audit.verify import Fault, Report, check_chain, verify
from audit.verify.run import run

_SHOWN = 20
_SAY_EVERY = 1.0

_TAMPERED, _UNUSABLE = 1, 2
"""Exit codes; 0 is sound."""


class Command(BaseCommand):
    """Read every chain and seal, or one chain, and say whether each is as it was written."""

    help = (
        "Verify the hash chains and seals of the audit trail. Exits with 0 if everything is as it"
        " was written, with 1 if not, naming the first bad entry of each chain, and with 2 if it"
        " could not be verified."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a chain, anchors, and how to go on."""
        parser.add_argument("--chain", help="Id of one record; default: all of them.")
        parser.add_argument(
            "--anchors",
            action="append",
            default=[],
            type=Path,
            metavar="FILE",
            help="Compare with seals that were written outside, one a line; may be repeated.",
        )
        parser.add_argument(
            "--resume", action="store_true", help="Go on where the last one was interrupted."
        )
        parser.add_argument(
            "--no-record", action="store_true", help="Write nothing to the database."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Verify with progress."""
        try:
            faults = self._compare(options["anchors"])
            chain = _chain(options["chain"])
            if chain is None:
                report = self._read_all(record=not options["no_record"], resume=options["resume"])
            else:
                report = check_chain(chain)
                if not report.entries and report.is_sound:
                    raise CommandError(f"No chain {chain}.", returncode=_UNUSABLE)
        except keys.KeyFault as error:
            raise CommandError(str(error), returncode=_UNUSABLE) from error
        self._say(report, faults)

    def _read_all(self, *, record: bool, resume: bool) -> Report:
        report = Report()
        began = said = time.monotonic()
        read_before: int | None = None
        for report in self._reports(record=record, resume=resume):
            read_before = report.entries if read_before is None else read_before
            if time.monotonic() - said > _SAY_EVERY:
                said = time.monotonic()
                pace = (report.entries - read_before) / max(said - began, 0.001)
                self.stderr.write(f"{report.entries:,} entries read, {pace:,.0f} a second ...")
        return report

    def _reports(self, *, record: bool, resume: bool) -> Iterator[Report]:
        if record:
            return (report for _, report in run(clock=timezone.now, resume=resume))
        return verify()

    def _compare(self, files: list[Path]) -> list[Fault]:
        found = []
        for file in files:
            try:
                with file.open(encoding="ascii") as lines:
                    compared = list(anchored.compare(lines=lines, trusted=keys.trusted()))
            except (OSError, ValueError) as error:
                raise CommandError(f"Anchors {file}: {error}", returncode=_UNUSABLE) from error
            self.stderr.write(f"{len(compared):,} anchored seals compared.")
            found += [fault for fault in compared if fault is not None]
        return found

    def _say(self, report: Report, faults: list[Fault]) -> None:
        faults = faults + report.faults
        for fault in faults[:_SHOWN]:
            self.stderr.write(str(fault))
        read = f"{report.entries:,} entries in {report.chains:,} chains, {report.seals:,} seals"
        problems = report.problems + len(faults) - len(report.faults)
        if problems:
            raise CommandError(
                f"The trail is broken in {problems:,} places; read {read}.", returncode=_TAMPERED
            )
        self.stdout.write(f"Sound: {read}.")
        if report.unsealed:
            self.stdout.write(f"{report.unsealed:,} entries are not sealed yet.")
        if report.seals and not report.is_pinned:
            self.stderr.write(
                "The key was taken from the database itself: set SEAL_TRUSTED_KEYS to the public"
                " key that you know from elsewhere."
            )


def _chain(given: str | None) -> UUID | None:
    if given is None:
        return None
    try:
        return UUID(given)
    except ValueError:
        raise CommandError(
            f"--chain {given!r} is no id; copy it from the record.", returncode=_UNUSABLE
        ) from None
