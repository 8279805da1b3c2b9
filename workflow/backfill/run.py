"""One run from its source to its end, which may be taken up after any kill."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid5

import structlog
from django.db import transaction

from workflow.backfill import lease
from workflow.backfill.adopt import Adopter, Progress
from workflow.backfill.mapping import AnyMapping, Case, Told
from workflow.backfill.pace import Pace
from workflow.backfill.read import read
from workflow.backfill.sources import Bad, Source
from workflow.backfill.spool import Spool, write
from workflow.backfill.trail import Act, enter
from workflow.models import BackfillLeft, BackfillReject, BackfillRun

log = structlog.get_logger(__name__)

_EVENTS = 2000
"""Most events in a batch, however few records they belong to."""

_SIGN_EVERY = 20_000
"""Rows that are read between two signs of life."""

_PAUSED_LOOK = 0.25
_LEFT_LOOK = 0.5


@dataclass(kw_only=True)
class Watcher:
    """Who is told how far it has come."""

    reading: Callable[[int], None]
    """Called with the rows read so far, now and then."""

    adopting: Callable[[int, int, str], None]
    """Called after each batch: events done, all of them, and a word on what goes on."""


class Backfill:
    """Does one run."""

    def __init__(
        self,
        *,
        run: BackfillRun,
        mapping: AnyMapping,
        source: Source,
        folder: Path,
        pace: Pace,
        clock: Callable[[], datetime],
        watcher: Watcher,
    ) -> None:
        self._run = run
        self._mapping = mapping
        self._source = source
        self._file = folder / f"{run.pk}.sqlite3"
        self._pace = pace
        self._clock = clock
        self._watcher = watcher
        self._worked = run.seconds
        self._since = time.monotonic()
        self._progress = Progress(
            counts=Counter(run.counts), cursor=run.cursor, seconds=self._seconds
        )
        self._adopter = Adopter(
            run=run, mapping=mapping, progress=self._progress, pace=pace, clock=clock
        )

    def go(self, *, patience: float) -> None:
        """Do what is left to do.

        Args:
            patience: Seconds to wait at the end for records with a transition in flight; those
                that are not free by then stay left.

        Raises:
            IsLost: Somebody else took the run over, or gave it up.
            UnreadableSource: There is no reading the source; the run stays unfinished.
            DatabaseError: The connection is lost; resume the run.
        """
        with self._spool() as spool:
            if self._run.rows is None:
                self._enter_bad(spool)
            self._adopt(spool)
            self._adopt_left(spool, patience)
            self._finish()
            spool.remove()

    @contextmanager
    def _spool(self) -> Iterator[Spool]:
        is_there = self._file.exists() and bool(self._run.source_digest)
        if not is_there:
            items = self._beating(read(source=self._source, mapping=self._mapping))
            write(self._file, items=items, digest=self._run.source_digest)
        with Spool(self._file, is_sorted=self._mapping.is_sorted) as spool:
            yield spool

    def _beating(self, items: Iterator[Told | Bad | None]) -> Iterator[Told | Bad | None]:
        for number, item in enumerate(items, start=1):
            if number % _SIGN_EVERY == 0:
                lease.hold(run=self._run, now=self._clock(), seconds=self._seconds())
                self._watcher.reading(number)
            yield item

    def _enter_bad(self, spool: Spool) -> None:
        """Enter the rows that could not be read, and what is known of the source from now on."""
        now = self._clock()
        bad = {self._bad_id(each): each for each in spool.bad()}
        with transaction.atomic():
            open_ones = BackfillReject.objects.filter(
                run__mapping=self._run.mapping,
                run__source=self._run.source,
                reference="",
                resolved_at__isnull=True,
            )
            known = set(open_ones.values_list("pk", flat=True))
            BackfillReject.objects.filter(pk__in=known - set(bad)).update(
                resolved_at=now, resolved_by=self._run
            )
            BackfillReject.objects.bulk_create(
                [self._reject(pk, each, now) for pk, each in bad.items() if pk not in known],
                batch_size=200,
            )
            self._progress.counts += Counter(
                f"rejected.{each.fault.value}" for each in spool.bad()
            )
            self._progress.counts["ignored"] += int(spool.fact("ignored"))
            self._run.rows, self._run.events = spool.rows, spool.events
            lease.hold(
                run=self._run,
                now=now,
                rows=spool.rows,
                events=spool.events,
                counts=dict(+self._progress.counts),
            )

    def _bad_id(self, bad: Bad) -> Any:
        return uuid5(self._mapping.namespace, f"bad\n{self._run.source}\n{bad.number}\n{bad.raw}")

    def _reject(self, pk: Any, bad: Bad, now: datetime) -> BackfillReject:
        return BackfillReject(
            id=pk,
            run=self._run,
            workflow=self._mapping.workflow,
            source_row=bad.number,
            code=bad.fault,
            message=bad.problem,
            raw=bad.raw,
            rejected_at=now,
        )

    def _adopt(self, spool: Spool) -> None:
        cases = spool.cases(after=self._progress.cursor)
        ahead = _batches(cases, lambda: self._pace.batch)
        while True:
            self._pace.begin()
            batch = next(ahead, None)
            if batch is None:
                return
            self._adopter.take(batch, cursor=_cursor(batch, self._progress.cursor))
            self._tell("")
            self._pace.rest(events=sum(len(case.events) for case in batch))
            self._wait_while_paused()

    def _adopt_left(self, spool: Spool, patience: float) -> None:
        until = time.monotonic() + patience
        while left := list(
            BackfillLeft.objects.filter(run=self._run).values_list("reference", flat=True)
        ):
            done = [self._is_done(spool.case(reference)) for reference in left]
            self._tell(f"{len(left) - sum(done):,} records have a transition in flight")
            if all(done):
                return
            if time.monotonic() > until:
                return
            lease.hold(run=self._run, now=self._clock(), seconds=self._seconds())
            time.sleep(_LEFT_LOOK)

    def _is_done(self, case: Case | None) -> bool:
        return case is None or self._adopter.take_left(case)

    def _finish(self) -> None:
        now = self._clock()
        left = sum(BackfillLeft.objects.filter(run=self._run).values_list("events", flat=True))
        self._progress.counts["left"] = left
        counts = dict(+self._progress.counts)
        with transaction.atomic():
            evidence = {"rows": self._run.rows, "counts": counts}
            enter(
                run=self._run,
                act=Act.FINISHED,
                actor=self._run.started_by,
                now=now,
                evidence=evidence,
            )
            lease.hold(
                run=self._run,
                now=now,
                state=BackfillRun.State.FINISHED,
                finished_at=now,
                counts=counts,
                seconds=self._seconds(),
            )
        self._run.refresh_from_db()

    def _wait_while_paused(self) -> None:
        while self._state() == BackfillRun.State.PAUSED:
            self._worked, self._since = self._seconds(), time.monotonic()
            self._tell("paused")
            lease.hold(run=self._run, now=self._clock())
            time.sleep(_PAUSED_LOOK)
            self._since = time.monotonic()
            self._pace.forget()

    def _state(self) -> str:
        return BackfillRun.objects.values_list("state", flat=True).get(pk=self._run.pk)

    def _seconds(self) -> float:
        """Return the time at work, all processes together, pauses left out."""
        return self._worked + time.monotonic() - self._since

    def _tell(self, word: str) -> None:
        self._run.counts = dict(self._progress.counts)
        self._watcher.adopting(self._run.done, self._run.rows or 0, word)


def _batches(cases: Iterator[Case], size: Callable[[], int]) -> Iterator[list[Case]]:
    """Yield batches of records; the size is asked for anew each time."""
    batch: list[Case] = []
    events = 0
    for case in cases:
        batch.append(case)
        events += len(case.events)
        if len(batch) >= size() or events >= _EVENTS:
            yield batch
            batch, events = [], 0
    if batch:
        yield batch


def _cursor(batch: list[Case], before: str) -> str:
    """Return the last reference that is done with the batch; of a cut one, more may come."""
    last = batch[-1]
    if not last.is_cut:
        return last.reference
    return next((case.reference for case in reversed(batch) if not case.is_cut), before)
