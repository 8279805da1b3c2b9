"""Examine a live system."""

from __future__ import annotations

import getpass
import json
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from django.utils.dateparse import parse_datetime

from workflow.doctor.doubt import doubt, doubtful
from workflow.doctor.examine import CannotLook, examine
from workflow.doctor.finding import Finding, Severity
from workflow.doctor.restore import Stranger, strangers, traces
from workflow.doctor.restored import Restored
from workflow.engine import clock
from workflow.models import Cluster
from workflow.queries.backlog import workers

_FINDINGS, _COULD_NOT = 1, 2
"""Exit codes; 0 is sound."""

_SAY_EVERY = 1.0


class Command(BaseCommand):
    """Say what is wrong with the live system, and what to do; with --repair, do what is safe."""

    help = (
        "Examine the live system: settings, database server, guards, invariants, trail, stuck"
        " work, clocks. Exits with 0 if it is sound, with 1 if not, and with 2 if it could not"
        " look. Notices do not count."
    )
    requires_system_checks: list[str] = []  # they are among what is examined

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how thoroughly, and what for."""
        parser.add_argument(
            "--full", action="store_true", help="Read the whole trail and every record."
        )
        parser.add_argument(
            "--repair", action="store_true", help="Do what needs nobody's decision, audited."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument(
            "--after-restore",
            metavar="TIME",
            help="The database was restored to this time (ISO 8601): list the calls that the"
            " world outside may have and the database lacks. With --repair, put them in doubt.",
        )
        parser.add_argument(
            "--no-ask", action="store_true", help="With --after-restore: ask no downstream."
        )
        parser.add_argument(
            "--keys",
            type=Path,
            metavar="FILE",
            help="With --after-restore: keys that a downstream has received, one a line.",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Examine, or look for what a restore has lost."""
        self._json = options["json"]
        self._said = time.monotonic()
        try:
            if options["after_restore"]:
                self._after_restore(options)
            else:
                self._examine(options)
        except CannotLook as error:
            raise CommandError(str(error), returncode=_COULD_NOT) from None
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(
                f"The database could not be examined: {type(error).__name__}: {error}",
                returncode=_COULD_NOT,
            ) from error

    def _say(self, what: str) -> None:
        if time.monotonic() - self._said > _SAY_EVERY:
            self._said = time.monotonic()
            self.stderr.write(f"{what} ...")

    # --- The examination -------------------------------------------------------------------------

    def _examine(self, options: dict[str, Any]) -> None:
        began = time.monotonic()
        now = clock.now()
        found: list[tuple[Finding, int]] = []
        for finding in examine(now=now, full=options["full"], say=self._say):
            mended = 0
            if options["repair"] and finding.mend is not None:
                mended = finding.mend(by=_who(), now=clock.now())
            found.append((finding, mended))
            if not self._json:
                self._show(finding, mended)
        left = [finding for finding, mended in found if finding.counts and not mended]
        took = time.monotonic() - began
        if self._json:
            self.stdout.write(
                json.dumps(
                    {
                        "at": now.isoformat(),
                        "sound": not left,
                        "full": options["full"],
                        "seconds": round(took, 1),
                        "findings": [
                            finding.as_json() | {"mended": mended} for finding, mended in found
                        ],
                    },
                    indent=2,
                )
            )
        elif not left:
            depth = "everything" if options["full"] else "what is unfinished and what moved last"
            self.stdout.write(f"Sound; looked at {depth}, in {took:.1f} s.")
        if left:
            can = sum(finding.mend is not None for finding in left)
            hint = f" --repair sets {can} of them right." if can else ""
            raise CommandError(f"{len(left)} findings.{hint}", returncode=_FINDINGS)

    def _show(self, finding: Finding, mended: int) -> None:
        style = {
            Severity.ERROR: self.style.ERROR,
            Severity.WARNING: self.style.WARNING,
            Severity.NOTICE: self.style.NOTICE,
        }[finding.severity]
        self.stdout.write(f"{style(f'{finding.severity.value:<8}')}{finding.what}")
        for example in finding.examples:
            self.stdout.write(f"          {example}")
        if mended:
            self.stdout.write(self.style.SUCCESS(f"        Done ({mended:,}): {finding.repair}"))
        else:
            by_itself = "  [--repair does it]" if finding.mend else ""
            self.stdout.write(f"        {finding.repair}{by_itself}")

    # --- After a restore -------------------------------------------------------------------------

    def _after_restore(self, options: dict[str, Any]) -> None:
        restored_to = _time(options["after_restore"])
        now = clock.now()
        if restored_to > now:
            raise CommandError(
                f"--after-restore {options['after_restore']}: that time has not come yet.",
                returncode=_COULD_NOT,
            )
        self._see_that_nobody_works(restored_to, now)
        restored = Restored(to=restored_to)
        for trace in traces(now=now, ask=not options["no_ask"]):
            restored.take(trace)
            self._say(f"{sum(restored.tally.values()):,} calls looked at")
        if options["keys"]:
            restored.strangers = _strangers(options["keys"])
        restored.blind = doubtful().count()
        if options["repair"]:
            restored.doubted = doubt(by=_who(), now=clock.now())
        if self._json:
            self.stdout.write(json.dumps(restored.as_json(), indent=2, default=str))
        else:
            self.stdout.write("\n".join(restored.lines()))
        if not restored.is_clear:
            raise CommandError(
                "Read docs/howto/restore.md before any worker starts, and start them with"
                " ASK_FIRST=true.",
                returncode=_FINDINGS,
            )

    def _see_that_nobody_works(self, restored_to: datetime, now: datetime) -> None:
        alive = workers(now=now).alive
        if alive:
            raise CommandError(
                f"{alive} workers are alive: they send what was sent. Stop them everywhere first.",
                returncode=_COULD_NOT,
            )
        since = Cluster.objects.filter(seen_at__gt=restored_to).order_by("-seen_at").first()
        if since is not None:
            self.stderr.write(
                f"Workers were alive after {restored_to.isoformat()} ({since.name}, until"
                f" {since.seen_at.isoformat()}): if that was on this copy, they may have sent"
                " again what was sent before."
            )


def _who() -> str:
    return f"doctor, by {getpass.getuser()}@{socket.gethostname()}"[:150]


def _time(given: str) -> datetime:
    try:
        at = parse_datetime(given)
    except ValueError:
        at = None
    if at is None:
        raise CommandError(
            f"--after-restore {given!r} is no time, such as 2026-01-31T08:00:00Z.",
            returncode=_COULD_NOT,
        )
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _strangers(file: Path) -> list[Stranger]:
    try:
        with file.open(encoding="utf-8") as lines:
            return list(strangers(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--keys {file}: {error}", returncode=_COULD_NOT) from error
