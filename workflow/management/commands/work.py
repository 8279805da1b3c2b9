"""Run workers, and keep them running."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from workflow.effects import channels
from workflow.queries.pending import pending
from workflow.worker.supervisor import Supervisor

_MOST = 256


class Command(BaseCommand):
    """Start a cluster of workers and supervise it until Ctrl-C or SIGTERM."""

    help = (
        "Run a cluster of workers. It recovers by itself from killed processes and a lost"
        " database. Ctrl-C or SIGTERM lets it finish what it has begun; a second one does not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the number of workers."""
        parser.add_argument(
            "--workers", type=int, default=None, help="Worker processes (default: setting)."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Check the database against the release, then supervise."""
        workers = options["workers"]
        if workers is None:
            workers = settings.Q_CLUSTER["workers"]
        if not 1 <= workers <= _MOST:
            raise CommandError(f"--workers {workers}: choose 1 to {_MOST}.")
        self.check(databases=["default"])
        if missing := pending(connection):
            raise CommandError(
                f"The database lacks {len(missing)} migrations of this release, from"
                f" {missing[0]} on: run `manage.py migrate` first."
            )
        channels.ensure()
        if not Supervisor(workers=workers).run():
            raise CommandError(
                "Not all work was finished in time; what was cut off will be taken over."
            )
