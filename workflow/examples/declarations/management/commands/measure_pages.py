"""How long pages take on a large database, and how many statements each asks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from workflow.examples.declarations.volume import NotEmpty, fill
from workflow.models import Record, TransitionEnvelope


class Command(BaseCommand):
    """Make a large database if asked to, and measure every page on it."""

    help = (
        "Measure the pages in this process: median and slowest time, statements. With --fill N,"
        " first write N records with ten entries each into an empty PostgreSQL database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the size and the number of looks."""
        parser.add_argument("--fill", type=int, metavar="N", help="Records to write first.")
        parser.add_argument("--looks", type=int, default=15, metavar="N", help="Of each page.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Fill, and measure."""
        if options["fill"]:
            self._fill(options["fill"])
        if not Record.objects.exists():
            raise CommandError("There are no records to look at; add --fill N.")
        client = Client(headers={"host": "localhost"})
        name = {"is_staff": True, "is_superuser": True}
        user, _is_new = User.objects.get_or_create(username="measure", defaults=name)
        client.force_login(user)
        self.stdout.write(f"{'page':<44}{'median ms':>10}{'slowest':>9}{'statements':>12}")
        for page, path in pages():
            median, slowest, statements = _measured(client, path, options["looks"])
            self.stdout.write(f"{page:<44}{median:>10.0f}{slowest:>9.0f}{statements:>12}")

    def _fill(self, records: int) -> None:
        began = time.monotonic()
        try:
            for name in fill(records=records):
                self.stdout.write(f"{time.monotonic() - began:7.1f} s  {name}")
        except NotEmpty as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{time.monotonic() - began:7.1f} s  done")


def pages() -> Iterator[tuple[str, str]]:
    """Yield name and address of every page with a list, and of one record and envelope."""
    record = Record.objects.order_by("status_since")[10]
    envelope = TransitionEnvelope.objects.filter(record=record.pk).first()
    assert envelope is not None, "each record has some"
    deep = Record.objects.order_by("-status_since")[1000]
    entry = Entry.objects.order_by("-id").first()
    assert entry is not None, "each record has some"
    after = f"{deep.status_since.isoformat()}~{deep.pk}".replace("+", "%2B")
    records, envelopes = "/admin/workflow/record/", "/admin/workflow/transitionenvelope/"
    yield "overview", "/admin/"
    yield "overview, 7 days", "/admin/?span=week"
    yield "needs attention", "/admin/attention/"
    yield "one cause", "/admin/attention/declaration/approve_final/-/provider_timeout/"
    yield "channels", "/admin/channels/"
    yield "records", records
    yield "records, a thousand further", f"{records}?after={after}"
    yield "records of one status", f"{records}?status=submitted"
    yield "records by reference", f"{records}?q={record.reference[:-2]}"
    yield "records of one day", f"{records}?from=2026-06-01&to=2026-06-01"
    yield "record", f"{records}{record.pk}/change/"
    yield "transitions", envelopes
    yield "transitions, refused", f"{envelopes}?state=refused"
    yield "transitions, parked", f"{envelopes}?state=parked"
    yield "transitions, failed", f"{envelopes}?state=failed"
    yield "transitions by id", f"{envelopes}?q={envelope.pk}"
    yield "transitions by reference", f"{envelopes}?q={record.reference}"
    yield "transitions by correlation id", f"{envelopes}?q={envelope.correlation_id}"
    yield "transitions by person", f"{envelopes}?q=volume-7"
    yield "transitions by code", f"{envelopes}?q=over_limit"
    yield "transitions by words of an error", f"{envelopes}?q=have to approve"
    yield "transitions by what is not there", f"{envelopes}?q=zzz-nothing"
    yield "transitions of one day", f"{envelopes}?from=2026-06-01&to=2026-06-01"
    yield "transition", f"{envelopes}{envelope.pk}/change/"
    yield "trail", "/admin/audit/entry/"
    yield "trail of a record", f"/admin/audit/entry/?q={record.pk}"
    yield "trail by action", "/admin/audit/entry/?action=parked"
    yield "trail by person", "/admin/audit/entry/?q=Person 7"
    yield "trail, a million further", f"/admin/audit/entry/?before={entry.pk // 2}"
    yield "entry", f"/admin/audit/entry/{entry.pk}/change/"
    yield "inbox", "/desk/"


def _measured(client: Client, path: str, looks: int) -> tuple[float, float, int]:
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(path)
    if answer.status_code != 200:  # noqa: PLR2004
        raise CommandError(f"{path} answers {answer.status_code}.")
    statements = len(asked)  # the next request empties the log
    times = []
    for _ in range(looks):
        began = time.perf_counter()
        client.get(path)
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times), max(times), statements
