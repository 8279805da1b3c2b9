"""Adopting batches of records: plan, write, and what to do when the database says no.

New records go together in one transaction, made ready before it begins. Records that are here
already are held, a few at a time and for milliseconds, and looked at again under lock. A batch
that fails is done record by record, so that its neighbours are not hurt; what fails alone is
rejected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction

from workflow.backfill import lease
from workflow.backfill.actors import Actors
from workflow.backfill.judge import Judge
from workflow.backfill.known import Known, known
from workflow.backfill.mapping import AnyMapping, Case
from workflow.backfill.moves import Moved
from workflow.backfill.pace import Pace
from workflow.backfill.plan import Plan, Planner
from workflow.backfill.write import Writer
from workflow.models import BackfillLeft, BackfillRun, Fault

log = structlog.get_logger(__name__)

_TRIES = 3


@dataclass(kw_only=True)
class Progress:
    """What is written about a run with each batch."""

    counts: Counter[str]
    cursor: str
    seconds: Callable[[], float]


class Adopter:
    """Adopts the cases of one run."""

    def __init__(
        self,
        *,
        run: BackfillRun,
        mapping: AnyMapping,
        progress: Progress,
        pace: Pace,
        clock: Callable[[], datetime],
    ) -> None:
        self._run = run
        self._mapping = mapping
        self._progress = progress
        self._pace = pace
        self._clock = clock
        self._actors = Actors(mapping)
        self._writer = Writer(run=run, mapping=mapping)
        self._adopts = frozenset() if run.is_strict else frozenset(mapping.adopts)

    def take(self, cases: Sequence[Case], *, cursor: str) -> None:
        """Adopt a batch; when it returns, every event of it has its outcome or is left.

        Safe to repeat after a kill: what was adopted is recognised and not counted again.

        Raises:
            IsLost: The run is somebody else's.
            DatabaseError: The connection is lost.
        """
        now = self._clock()
        seen = self._known(cases)
        planner = self._planner(now)
        plans: list[Plan] = []
        alone: list[Case] = []
        for case in cases:
            try:
                present = seen.present.get(case.reference)
                plans.append(planner.plan(case=case, present=present, rejects=seen.rejects))
            except Exception as error:  # noqa: BLE001  (of the mapping; it is told below)
                log.debug("backfill.unplanned", reference=case.reference, error=repr(error))
                alone.append(case)
        here = [plan.case for plan in plans if plan.present is not None and plan.is_news]
        while here:
            together = self._pace.together
            self._take_present(here[:together])
            del here[:together]
            self._pace.gap()
        for case in alone:
            self._take_alone(case)
        settled = sum((plan.earlier for plan in plans), Counter())
        new = [plan for plan in plans if plan.present is None and plan.is_news]
        self._take_new(new, settled, cursor, now)

    def take_left(self, case: Case) -> bool:
        """Try a record again that had a transition in flight; return whether it is done."""
        self._take_present([case])
        return not BackfillLeft.objects.filter(run=self._run, reference=case.reference).exists()

    def _take_new(
        self, plans: list[Plan], settled: Counter[str], cursor: str, now: datetime
    ) -> None:
        try:
            ready = self._writer.ready(plans, now=now)
            with transaction.atomic():
                self._writer.write(ready, now=now)
                self._note(ready.counts + settled, cursor=cursor)
        except lease.IsLost:
            raise
        except Exception as error:  # noqa: BLE001  (one record's; the others are not hurt)
            self._apart([plan.case for plan in plans], error)
            with transaction.atomic():
                self._note(settled, cursor=cursor)
        else:
            self._progress.counts += ready.counts + settled

    def _take_present(self, cases: Sequence[Case]) -> None:
        try:
            self._held(cases)
        except lease.IsLost:
            raise
        except Exception as error:  # noqa: BLE001  (one record's; the others are not hurt)
            self._apart(cases, error)

    def _apart(self, cases: Sequence[Case], error: Exception) -> None:
        """Do a failed batch record by record, unless it was the connection that failed."""
        if isinstance(error, DatabaseError) and not _is_connected():
            raise error
        log.info("backfill.apart", records=len(cases), error=repr(error)[:500])
        for case in cases:
            self._take_alone(case)

    def _take_alone(self, case: Case) -> None:
        fault, problem = Fault.DATABASE_REFUSED, ""
        for _ in range(_TRIES):
            try:
                self._held([case])
            except lease.IsLost:
                raise
            except (DatabaseError, Moved) as error:
                if not _is_connected():
                    raise
                problem = f"The database refused it: {error}"
            except Exception as error:  # noqa: BLE001  (whatever an adopter's mapping raises)
                fault = Fault.MAPPING_FAILED
                problem = f"Mapping {self._mapping.name!r} raised {type(error).__name__}: {error}"
                break
            else:
                return
        self._held([case], refusal=(fault, problem[:2000]))

    def _held(self, cases: Sequence[Case], *, refusal: tuple[Fault, str] | None = None) -> None:
        """Plan and write some records in one transaction that holds those that are here."""
        with transaction.atomic():
            now = self._clock()
            seen = self._known(cases, is_held=True)
            planner = self._planner(now)
            plans = []
            # Chains are extended in the order of records, as everybody does.
            for case in sorted(cases, key=lambda case: _order(case, seen)):
                present = seen.present.get(case.reference)
                if refusal is None:
                    plan = planner.plan(case=case, present=present, rejects=seen.rejects)
                else:
                    plan = planner.refuse(
                        case=case, present=present, rejects=seen.rejects, why=refusal
                    )
                if present is not None and present.in_flight and plan.is_news:
                    self._leave(plan, present.in_flight)
                else:
                    plans.append(plan)
            ready = self._writer.ready(plans, now=now)
            self._writer.write(ready, now=now)
            self._note(ready.counts)
            done = [plan.case.reference for plan in plans]
            BackfillLeft.objects.filter(run=self._run, reference__in=done).delete()
        self._progress.counts += ready.counts

    def _leave(self, plan: Plan, why: str) -> None:
        BackfillLeft.objects.update_or_create(
            run=self._run,
            reference=plan.case.reference,
            defaults={"events": plan.news, "why": why},
        )

    def _note(self, counts: Counter[str], *, cursor: str | None = None) -> None:
        """Write what was done, in the transaction that did it."""
        if cursor is not None:
            self._progress.cursor = cursor
        lease.hold(
            run=self._run,
            now=self._clock(),
            counts=dict(self._progress.counts + counts),
            cursor=self._progress.cursor,
            seconds=self._progress.seconds(),
        )

    def _known(self, cases: Sequence[Case], *, is_held: bool = False) -> Known:
        references = list({case.reference for case in cases})
        return known(workflow=self._mapping.workflow, references=references, is_held=is_held)

    def _planner(self, now: datetime) -> Planner:
        judge = Judge(mapping=self._mapping, actors=self._actors, adopts=self._adopts, now=now)
        return Planner(mapping=self._mapping, judge=judge, run=self._run.pk)


def _order(case: Case, seen: Known) -> UUID:
    present = seen.present.get(case.reference)
    return UUID(int=0) if present is None else present.record.pk


def _is_connected() -> bool:
    return connection.connection is not None and connection.is_usable()
