"""Show the product: a database of its own, web, workers, and declarations on their way."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.examples.declarations.demo import own_database
from workflow.examples.declarations.demo.run import Demo, checked
from workflow.examples.declarations.demo.web import free_port
from workflow.testing.downstream import Faults


class Command(BaseCommand):
    """Set up, run, stop."""

    help = (
        "Make a database (a file below var/demo, unless DATABASE_URL is set), start web and"
        " workers, and send declarations through them. Ctrl-C stops everything."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the size, the port, and whether to stay."""
        parser.add_argument(
            "--check",
            action="store_true",
            help="Do not stay: verify the outcome and exit 0, or say what is wrong and exit 1.",
        )
        parser.add_argument("--declarations", type=int, default=300, metavar="N")
        parser.add_argument("--workers", type=int, default=2, metavar="W")
        parser.add_argument(
            "--faults",
            type=float,
            default=0.0,
            metavar="F",
            help="Share of calls downstream, 0 to 0.25, that fail; as many stall, land late, and"
            " are dropped.",
        )
        parser.add_argument("--port", type=int, help="Default: 8000, or any free one.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the demo."""
        for name in ("declarations", "workers"):
            if options[name] < 1:
                raise CommandError(f"--{name} {options[name]}: at least 1.")
        try:
            Faults.each(options["faults"])
        except ValueError as error:
            raise CommandError(f"--{error}.") from None
        own_database.choose(sys.argv[2:])
        port = free_port(options["port"])
        if port is None:
            raise CommandError(f"--port {options['port']}: it is taken; choose another.")
        lock = own_database.lock()
        try:
            demo = Demo(
                port=port,
                declarations=options["declarations"],
                workers=options["workers"],
                faults=options["faults"],
                folder=own_database.folder(),
                out=options.get("stdout") or sys.stdout,
                err=options.get("stderr") or sys.stderr,
            )
            checked(demo.go(stays=not options["check"]))
        finally:
            if lock:
                lock.close()
        if options["check"]:
            self.stdout.write("The demo is as it should be.")
