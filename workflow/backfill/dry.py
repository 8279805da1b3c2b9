"""A dry run: everything is read, judged and made ready, and nothing is written."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from pathlib import Path

from django.db import transaction

from workflow.backfill.actors import Actors
from workflow.backfill.judge import Judge
from workflow.backfill.known import Known, known
from workflow.backfill.mapping import AnyMapping, Case
from workflow.backfill.plan import Planner
from workflow.backfill.read import read
from workflow.backfill.report import Report
from workflow.backfill.sources import Source
from workflow.backfill.spool import Spool, write
from workflow.backfill.write import Writer
from workflow.models import BackfillRun, Fault

_TOGETHER = 100


class DryRun:
    """Tells what a run would do."""

    def __init__(
        self,
        *,
        mapping: AnyMapping,
        source: Source,
        name: str,
        is_strict: bool,
        clock: Callable[[], datetime],
    ) -> None:
        run = BackfillRun(mapping=mapping.name, workflow=mapping.workflow, source=name)
        self._source = source
        self._mapping = mapping
        self._clock = clock
        self._writer = Writer(run=run, mapping=mapping)
        self._actors = Actors(mapping)
        self._adopts = frozenset() if is_strict else frozenset(mapping.adopts)
        self._counts: Counter[str] = Counter()

    def go(self) -> Report:
        """Do it.

        Raises:
            UnreadableSource: There is no reading the source.
        """
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="escapement-backfill-") as folder:
            file = Path(folder, "dry.sqlite3")
            write(file, items=read(source=self._source, mapping=self._mapping), digest="")
            with Spool(file, is_sorted=self._mapping.is_sorted) as spool:
                self._counts += Counter(f"rejected.{each.fault.value}" for each in spool.bad())
                self._counts["ignored"] += int(spool.fact("ignored"))
                cases = spool.cases()
                while batch := list(islice(cases, _TOGETHER)):
                    self._look(batch)
                rows = spool.rows
        return Report(rows=rows, counts=+self._counts, seconds=time.monotonic() - began)

    def _look(self, cases: list[Case]) -> None:
        references = list({case.reference for case in cases})
        with transaction.atomic():
            now = self._clock()
            seen = known(workflow=self._mapping.workflow, references=references, is_held=True)
            for case in cases:
                self._plan(case, seen, now)

    def _plan(self, case: Case, seen: Known, now: datetime) -> None:
        judge = Judge(mapping=self._mapping, actors=self._actors, adopts=self._adopts, now=now)
        planner = Planner(mapping=self._mapping, judge=judge, run=None)
        present = seen.present.get(case.reference)
        try:
            plan = planner.plan(case=case, present=present, rejects=seen.rejects)
            counts = self._writer.ready([plan], now=now).counts
        except Exception:  # noqa: BLE001  (whatever an adopter's mapping raises)
            self._counts[f"rejected.{Fault.MAPPING_FAILED.value}"] += len(case.events)
            return
        self._counts += plan.earlier
        if present is not None and present.in_flight:
            self._counts["left"] += plan.news
        else:
            self._counts += counts
