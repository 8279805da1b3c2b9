"""Make, introduce and list the keys that seals are signed with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import keys
from audit.models import Seal, SealKey


class Command(BaseCommand):
    """Look after the keys. Private ones stay in files; the database has the public ones only."""

    help = "Make, introduce and list the keys that seals are signed with."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do."""
        what = parser.add_subparsers(dest="what", required=True)
        new = what.add_parser("new", help="Make a key in a new file.")
        new.add_argument("file", type=Path)
        introduce = what.add_parser(
            "introduce", help="List the key in a file; the key in use vouches for it."
        )
        introduce.add_argument("file", type=Path)
        introduce.add_argument(
            "--without-endorsement",
            metavar="REASON",
            help="The key in use is lost or not to be trusted: list the new one all the same."
            " Auditors must then be told its public key by another way.",
        )
        what.add_parser("list", help="Show the public keys.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it."""
        try:
            match options["what"]:
                case "new":
                    self._new(options["file"])
                case "introduce":
                    self._introduce(options["file"], options["without_endorsement"])
                case _:
                    self._list()
        except keys.KeyFault as error:
            raise CommandError(str(error), returncode=2) from error

    def _new(self, file: Path) -> None:
        key = keys.make(file)
        self.stdout.write(
            f"Private key in {file}. Public key, for SEAL_TRUSTED_KEYS and auditors:"
        )
        self.stdout.write(key.public)

    def _introduce(self, file: Path, reason: str | None) -> None:
        by = keys.of_settings() if reason is None else None
        new = keys.of_file(file)
        keys.introduce(new=new, by=by, now=timezone.now(), reason=reason or "Rotation.")
        self.stdout.write(f"Listed {new.public}.")
        self.stdout.write(
            f"Now let SEAL_KEY_FILE name {file}, and keep the old key off this host."
        )

    def _list(self) -> None:
        trusted = keys.trusted()
        for row in SealKey.objects.all():
            seals = Seal.objects.filter(key=row.public).count()
            vouched = f"vouched for by {row.introduced_by[:16]}" if row.introduced_by else "first"
            if not row.introduced_by and row.reason != "The first key.":
                vouched = f"not vouched for: {row.reason}"
            state = "trusted" if row.public in trusted else "NOT TRUSTED"
            since = f"{row.introduced_at:%Y-%m-%d}"
            self.stdout.write(f"{row.public}  {state}, {vouched}, since {since}, {seals:,} seals")
        if not SealKey.objects.exists():
            self.stdout.write("No key is listed; the first is listed when it first seals.")
        elif not keys.pinned():
            self.stdout.write(
                "No key is pinned: set SEAL_TRUSTED_KEYS, or whoever can write to the database"
                " can list a key of their own."
            )
