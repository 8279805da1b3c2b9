"""How fast the engine is here, beside a hand-written loop that keeps the same books."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.examples.declarations.benchmark.processes import sink
from workflow.examples.declarations.benchmark.run import measured, shown
from workflow.examples.declarations.benchmark.scratch import scratch
from workflow.examples.declarations.benchmark.workflow import SINK
from workflow.examples.declarations.console.child import django, environment

_INSIDE = "ESCAPEMENT_BENCHMARK_INSIDE"


class Command(BaseCommand):
    """Measure on a database of its own."""

    help = (
        "Measure requests, drain and end-to-end rates on a scratch database, by turns with a loop"
        " of raw SQL that keeps the same books. Takes about a minute; nothing is left behind."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the size and the database."""
        parser.add_argument(
            "--database",
            metavar="URL",
            help="sqlite:/// for a file that vanishes, or a PostgreSQL server on which a database"
            " is made and dropped. Default: of the kind of DATABASE_URL.",
        )
        parser.add_argument("--n", type=int, default=2000, help="Transitions of each round.")
        parser.add_argument("--rounds", type=int, default=3)
        parser.add_argument("--workers", type=int, default=2)
        parser.add_argument("--effect", choices=["http", "none"], default="http")
        parser.add_argument("--json", action="store_true", help="Print one line of JSON.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Make the database, and go on inside a process that has it."""
        for name in ("n", "rounds", "workers"):
            if options[name] < 1:
                raise CommandError(f"--{name} {options[name]}: at least 1.")
        if os.environ.get(_INSIDE):
            self._inside(options)
            return
        given = options["database"] or os.environ.get("DATABASE_URL") or "sqlite:///"
        with scratch(given) as url, sink() as downstream:
            called = downstream if options["effect"] == "http" else "none"
            env = {
                **os.environ,
                **environment(),
                "DATABASE_URL": url,
                "SECRET_KEY": settings.SECRET_KEY,  # the kept one of SQLite is none for a server
                "LOG_LEVEL": "ERROR",
                SINK: called,
                _INSIDE: "1",
            }
            for command in (["migrate", "-v0"], ["benchmark", *sys.argv[2:]]):
                done = subprocess.run(  # noqa: S603  (this very program)
                    django(*command), env=env, cwd=settings.BASE_DIR, check=False
                )
                if done.returncode:
                    raise CommandError(f"{command[0]} ended with exit code {done.returncode}.")

    def _inside(self, options: dict[str, Any]) -> None:
        def tell(line: str) -> None:
            self.stderr.write(line, ending="\n")

        figures = measured(
            n=options["n"],
            rounds=options["rounds"],
            workers=options["workers"],
            sink=os.environ[SINK],
            tell=tell,
        )
        self.stdout.write(shown(figures, as_json=options["json"]))
        if not figures["verified"]:
            raise CommandError("The books are not as they should be; see above.")
