"""Break everything under load, and count what must be 0."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.examples.declarations.campaign.scratch import NoServer, Scratch, scratch
from workflow.examples.declarations.campaign.stage import FOLDER, SETTINGS, Stage
from workflow.examples.declarations.console.child import django, environment
from workflow.testing.postgres import Server

_SCRATCH = "CAMPAIGN_SCRATCH"
_INTERRUPTED = 130


class Command(BaseCommand):
    """Make a database, and run the campaign in a process that knows no other."""

    help = (
        "Put load on a system of several clusters, simulated downstreams and clients, on a"
        " database made for it, and break its parts one after the other: processes killed and"
        " frozen, the database crashed, connections dropped, clocks stepped, disks filled,"
        " releases rolled. Then drain, and count what must be 0. Exit code 1 if it is not. The"
        " seed makes the plan of faults repeatable."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how long, on what, and where the report goes."""
        parser.add_argument("--minutes", type=float, default=2.0, metavar="N")
        parser.add_argument("--seed", type=int, default=1, metavar="S")
        parser.add_argument(
            "--database",
            default="sqlite",
            metavar="URL",
            help="sqlite (the default), postgresql (a server of its own, which it can crash), or"
            " the address of an empty database.",
        )
        parser.add_argument("--rate", type=float, default=9.0, help="Requests a second, in all.")
        parser.add_argument("--records", type=int, default=400, metavar="N")
        parser.add_argument(
            "--downstream-faults",
            type=float,
            default=0.02,
            metavar="F",
            help="Share of calls, 0 to 0.25, that fail; as many stall, land late, are dropped.",
        )
        parser.add_argument(
            "--patience",
            type=float,
            default=180.0,
            metavar="SECONDS",
            help="Within which everything must have come to an end once nobody asks for more.",
        )
        parser.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="KIND",
            help="Inject faults of this kind, such as 'kill the pusher'; may be given again.",
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="Write everything there.")
        parser.add_argument("--report", type=Path, metavar="FILE", help="Write it as Markdown.")
        parser.add_argument("--keep", type=Path, metavar="FOLDER", help="Keep logs there.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Run it in a process of its own, whose settings name the scratch database."""
        _check(options)
        if _SCRATCH in os.environ:
            self._run(options)
            return
        if not Path("/proc/self/stat").exists():
            raise CommandError("A campaign finds the processes that it kills in /proc: use Linux.")
        try:
            with scratch(database=options["database"]) as made:
                code = _inner(made)
                if options["keep"]:
                    _keep(made.folder, options["keep"])
        except NoServer as error:
            raise CommandError(str(error)) from None
        if code:
            raise CommandError("See above.", returncode=code if code > 0 else 1)

    def _run(self, options: dict[str, Any]) -> None:
        # Needs the campaign's own settings.
        from workflow.examples.declarations.campaign.faults.plan import EVERY  # noqa: PLC0415
        from workflow.examples.declarations.campaign.run import (  # noqa: PLC0415
            NotEmpty,
            Run,
        )

        kinds = {fault.kind for fault in EVERY}
        unknown = set(options["only"]) - kinds
        if unknown:
            raise CommandError(
                f"--only {sorted(unknown)[0]!r}: choose among {', '.join(sorted(kinds))}."
            )

        about = json.loads(os.environ.pop(_SCRATCH))
        server = Server.adopt(about["server"]) if about["server"] else None
        run = Run(
            stage=Stage.here(),
            server=server,
            disk=Path(about["disk"]) if about["disk"] else None,
            minutes=options["minutes"],
            seed=options["seed"],
            rate=options["rate"],
            downstream_faults=options["downstream_faults"],
            records=options["records"],
            patience=options["patience"],
            only=options["only"],
            out=options.get("stderr") or sys.stderr,
        )
        try:
            report = run.go()
        except NotEmpty as error:
            raise CommandError(
                f"--database: {error} has records in it, and a campaign breaks what it runs on."
                " Give it an empty database."
            ) from None
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted; nothing was counted.", returncode=_INTERRUPTED
            ) from None
        self.stdout.write(report.as_markdown())
        if options["json"]:
            told = json.dumps(report.as_json(), indent=1, default=str)
            options["json"].write_text(f"{told}\n", encoding="utf-8")
        if options["report"]:
            options["report"].write_text(report.as_markdown(), encoding="utf-8")
        if not report.is_sound:
            raise CommandError("Not all counts are 0.")


def _inner(made: Scratch) -> int:
    about = {
        "server": made.server.as_json() if made.server else None,
        "disk": str(made.disk) if made.disk else None,
    }
    inner = subprocess.Popen(  # noqa: S603  (the command is a constant of this code)
        django(*sys.argv[1:]),
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            **environment(),
            **SETTINGS,
            FOLDER: str(made.folder),
            _SCRATCH: json.dumps(about),
            "DATABASE_URL": made.url,
            "SECRET_KEY": settings.SECRET_KEY,
            "INSECURE_HTTP": "true",
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "ERROR"),
        },
    )
    while True:
        try:
            return inner.wait()
        except KeyboardInterrupt:
            inner.send_signal(signal.SIGINT)


def _keep(folder: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for file in (*folder.glob("*.log"), *folder.glob("*.jsonl"), *folder.glob("*.sqlite3")):
        (target / file.name).write_bytes(file.read_bytes())


def _check(options: dict[str, Any]) -> None:
    for name, least in (("minutes", 0.1), ("rate", 0.1), ("records", 10)):
        if options[name] < least:
            raise CommandError(f"--{name} {options[name]}: at least {least}.")
    if not 0 <= options["downstream_faults"] <= 0.25:  # noqa: PLR2004  (as the option says)
        raise CommandError(f"--downstream-faults {options['downstream_faults']}: from 0 to 0.25.")
