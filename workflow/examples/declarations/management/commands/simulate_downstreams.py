"""Run the downstreams that the example calls, as simulators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.testing.downstream.__main__ import add_arguments, serve


class Command(BaseCommand):
    """Serve until Ctrl-C."""

    help = (
        "Run simulated downstreams (payments, budget, reporting, letters, transfers), which fail"
        " at the given rates and keep what they received. Prints the address; Ctrl-C stops it."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the port, the faults, and the file."""
        add_arguments(parser, journal=Path(settings.BASE_DIR, "var", "downstream.sqlite3"))

    def handle(self, *_: Any, **options: Any) -> None:
        """Serve."""
        names = ("host", "port", "faults", "seed", "stall", "journal")
        try:
            serve(**{name: options[name] for name in names})
        except ValueError as error:
            raise CommandError(f"--{error}") from None
        except OSError as error:
            raise CommandError(
                f"Cannot serve on {options['host']}:{options['port']}: {error}"
            ) from None
