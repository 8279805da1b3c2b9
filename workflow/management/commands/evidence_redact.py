"""Erase a personal value from a record's trail."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.definition import WorkflowError
from workflow.engine import clock
from workflow.evidence.redact import redact
from workflow.models import Record


class Command(BaseCommand):
    """Erase it for good; the trail keeps who did so and why, and still verifies."""

    help = "Erase a personal value that an entry names, wherever its record's trail has it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what, in whose name, and why."""
        parser.add_argument("reference", help="The record.")
        parser.add_argument("entry", type=int, help="Number of an entry that names the value.")
        parser.add_argument("part", help="actor, reason, or 'evidence 1'.")
        parser.add_argument(
            "--workflow", help="Needed where several workflows have the reference."
        )
        parser.add_argument("--user", required=True, help="User name of who orders it.")
        parser.add_argument("--reason", required=True, help="Why; it is entered.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Erase it."""
        model = get_user_model()
        user = model._default_manager.filter(**{model.USERNAME_FIELD: options["user"]}).first()
        if user is None:
            raise CommandError(f"No user {options['user']!r}.")
        records = Record.objects.filter(reference=options["reference"])
        if options["workflow"]:
            records = records.filter(workflow=options["workflow"])
        found = list(records[:2])
        if len(found) != 1:
            which = "no record" if not found else "several records; add --workflow"
            raise CommandError(f"{options['reference']!r} names {which}.")
        try:
            digests = redact(
                record=found[0].pk,
                sequence=options["entry"],
                part=options["part"],
                user=user,
                reason=options["reason"],
                now=clock.now(),
            )
        except (WorkflowError, PermissionDenied) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Erased: {len(digests)} places hold only a digest from now on.")
