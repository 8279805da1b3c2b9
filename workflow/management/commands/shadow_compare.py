"""Compare what was adopted with its source, before one relies on it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.backfill.read import check_columns, read
from workflow.backfill.registered import find
from workflow.backfill.shadow import Compared, Difference, Shadow
from workflow.backfill.sources import choose
from workflow.backfill.spool import Spool, write
from workflow.definition import WorkflowError

_SHOWN = 100


class Command(BaseCommand):
    """Read the source, compare, list every difference."""

    help = (
        "Compare records, statuses, events and fields with what SOURCE says, and list every"
        " difference. Exits with 1 if there is any. Writes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the source and its mapping."""
        parser.add_argument("source", help="File, or table:[ALIAS/]NAME.")
        parser.add_argument(
            "--mapping", required=True, help="Name of a registered mapping, or the file it is in."
        )
        parser.add_argument("--encoding", default="utf-8", help="Of a text file (default: utf-8).")
        parser.add_argument("--json", type=Path, metavar="FILE", help="Write all of it there too.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Compare."""
        try:
            differences, compared = _compare(options)
        except WorkflowError as error:
            raise CommandError(str(error)) from None
        for difference in differences[:_SHOWN]:
            self.stdout.write(str(difference))
        if len(differences) > _SHOWN:
            self.stdout.write(f"... and {len(differences) - _SHOWN:,} more; see --json FILE")
        steps = compared.differing_steps()
        for (before, after), (there, here) in steps.items():
            self.stdout.write(f"step {before!r} → {after!r}: source {there:,}, here {here:,}")
        self.stdout.write(
            f"{compared.equal:,} of {compared.records:,} records are equal, {compared.events:,}"
            f" events; {len(steps):,} of {len(compared.steps_of_source):,} kinds of steps are"
            " counted differently."
        )
        if options["json"]:
            options["json"].write_text(_as_json(differences, compared), encoding="utf-8")
        if differences or steps:
            raise CommandError(f"{len(differences):,} differences.")


def _compare(options: dict[str, Any]) -> tuple[list[Difference], Compared]:
    mapping = find(options["mapping"])(may_write=False)
    source = choose(options["source"], encoding=options["encoding"])
    check_columns(source=source, mapping=mapping, name=options["source"])
    with tempfile.TemporaryDirectory(prefix="escapement-shadow-") as folder:
        file = Path(folder, "shadow.sqlite3")
        write(file, items=read(source=source, mapping=mapping), digest="")
        with Spool(file, is_sorted=mapping.is_sorted) as spool:
            shadow = Shadow(mapping=mapping, spool=spool)
            unreadable = [
                Difference(
                    reference="", kind="row", source=f"row {each.number}", here=each.problem
                )
                for each in spool.bad()
            ]
            return [*unreadable, *shadow.differences()], shadow.compared


def _as_json(differences: list[Difference], compared: Compared) -> str:
    steps = [
        {"before": before, "after": after, "source": there, "here": here}
        for (before, after), (there, here) in compared.differing_steps().items()
    ]
    told = {
        "records": compared.records,
        "equal": compared.equal,
        "events": compared.events,
        "differences": [vars(each) for each in differences],
        "steps": steps,
    }
    return json.dumps(told, indent=1) + "\n"
