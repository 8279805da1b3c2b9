"""Pack what an inspector takes away."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.evidence.bundle import pack
from workflow.models import Record


class Command(BaseCommand):
    """Write records' trails, their proofs, and the program that checks them, into one file."""

    help = (
        "Write a zip file with the trail of some records: a report to read or print, the entries,"
        " the proofs and public keys, and verify.py, which checks it all offline."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file and which records."""
        parser.add_argument("file", type=Path, help="Zip file to write.")
        parser.add_argument(
            "--reference", action="append", default=[], help="A record; may be repeated."
        )
        parser.add_argument(
            "--id", action="append", default=[], help="Id of a record, of one that is gone too."
        )
        parser.add_argument(
            "--workflow", help="Only records of this workflow; without --reference, all of them."
        )
        parser.add_argument(
            "--without-personal", action="store_true", help="Leave personal values out."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Pack them."""
        chains = _chosen(options)
        if not chains:
            raise CommandError("No records: name some with --reference, --id or --workflow.")
        file: Path = options["file"]
        try:
            packed = pack(chains=chains, to=file, with_personal=not options["without_personal"])
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
        self.stdout.write(
            f"{file}: {packed.chains:,} records, {packed.entries:,} entries,"
            f" {packed.seals:,} seals."
        )
        self.stdout.write("Check it anywhere: unpack it and run python verify.py --key PUBLIC_KEY")


def _chosen(options: dict[str, Any]) -> list[UUID]:
    chains = [_id(given) for given in options["id"]]
    records = Record.objects.all()
    if options["workflow"]:
        records = records.filter(workflow=options["workflow"])
    for reference in options["reference"]:
        found = list(records.filter(reference=reference).values_list("pk", flat=True))
        if len(found) != 1:
            which = "no record" if not found else "several records; add --workflow"
            raise CommandError(f"--reference {reference!r} names {which}.")
        chains += found
    if options["workflow"] and not chains:
        chains = list(records.values_list("pk", flat=True))
    return chains


def _id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise CommandError(f"--id {given!r} is no id; copy it from the record.") from None
