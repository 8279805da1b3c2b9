"""Plans become rows: records, envelopes, histories, entries, timers, rejects; batches at once.

Everything that can be made ready outside the transaction is: SQLite has one lock for writing, and
on PostgreSQL a record's lock is what a live transition would wait for. The number of statements
does not depend on the number of records, only on how many moves a single one has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from audit import chain
from audit.fields import Row
from audit.models import PersonalValue
from audit.rows import Rows
from workflow.backfill import moves
from workflow.backfill.conceal import concealed
from workflow.backfill.judge import Step
from workflow.backfill.mapping import AnyMapping
from workflow.backfill.notes import Source, adopted, reconstructed
from workflow.backfill.plan import Plan
from workflow.backfill.subjects import Snapshots, Subjects
from workflow.definition import registry
from workflow.engine import timers
from workflow.models import (
    BackfillReject,
    BackfillRun,
    Origin,
    Record,
    State,
    TransitionEnvelope,
)

_RECORDS = Rows(
    Record, ("id", "workflow", "reference", "status", "version", "status_since", "created_at")
)
_ENVELOPES = Rows(
    TransitionEnvelope,
    (
        "transition_id",
        "record_id",
        "workflow",
        "definition_version",
        "transition",
        "target",
        "actor_id",
        "actor_label",
        "reason",
        "payload",
        "digest",
        "origin",
        "correlation_id",
        "requested_at",
        "happened_at",
        "source_run_id",
        "source_row",
        "source_position",
        "state",
        "code",
        "message",
        "finished_at",
    ),
)
_REJECTS = Rows(
    BackfillReject,
    (
        "id",
        "run_id",
        "workflow",
        "reference",
        "transition",
        "source_row",
        "source_position",
        "happened_at",
        "code",
        "message",
        "raw",
        "rejected_at",
    ),
)


@dataclass(kw_only=True)
class Ready:
    """A batch that only has to be inserted."""

    plans: list[Plan]
    envelopes: list[Row]
    notes: list[chain.Note]
    links: chain.Linked
    """Of new chains; those of present ones are linked under lock."""

    snapshots: list[Snapshots]
    counts: Counter[str]
    personal: list[PersonalValue]


class Writer:
    """Writes plans of one run."""

    def __init__(self, *, run: BackfillRun, mapping: AnyMapping) -> None:
        self._run = run
        self._mapping = mapping
        self._subjects = Subjects(mapping=mapping)
        self._source = Source(
            run=run.pk, name=run.source, mapping=mapping.name, workflow=mapping.workflow
        )

    def ready(self, plans: Sequence[Plan], *, now: datetime) -> Ready:
        """Make a batch ready, outside any transaction if the records are new.

        Raises:
            Exception: Whatever the mapping raises.
        """
        adopting = [plan for plan in plans if plan.past or plan.moves]
        personal: list[PersonalValue] = []
        for plan in adopting:
            plan.past = list(concealed(plan.past, record=plan.record, kept=personal))
            plan.moves = list(concealed(plan.moves, record=plan.record, kept=personal))
        correlations = {
            plan.record: self._mapping.record_id(plan.case.reference).hex for plan in adopting
        }
        notes = [
            note for plan in adopting for note in self._notes(plan, correlations[plan.record], now)
        ]
        is_new = all(plan.present is None for plan in plans)
        return Ready(
            plans=list(plans),
            envelopes=[
                self._envelope(plan.record, step, state, correlations[plan.record], now)
                for plan in adopting
                for steps, state in (
                    (plan.past, State.RECONSTRUCTED),
                    (plan.moves, State.SCHEDULED),
                )
                for step in steps
            ],
            notes=notes,
            links=chain.link(notes if is_new else (), ends={}),
            snapshots=self._subjects.snapshots(adopting),
            counts=_counts(plans),
            personal=personal,
        )

    def write(self, ready: Ready, *, now: datetime) -> None:
        """Insert the batch. Call in a transaction; where records are present, holding them.

        Raises:
            DatabaseError: Somebody else was quicker, or the database refuses a row: roll back.
        """
        adopting = [plan for plan in ready.plans if plan.past or plan.moves]
        new = [plan for plan in adopting if plan.present is None]
        _RECORDS.insert([self._record(plan, now) for plan in new])
        _ENVELOPES.insert(ready.envelopes)
        moving = [plan for plan in adopting if plan.moves]
        notes = ready.notes + moves.move(plans=moving, now=now)
        self._subjects.save(ready.snapshots)
        links = ready.links
        if not links.links and notes:
            links = chain.link(notes, ends=chain.heads({note.chain for note in notes}))
        chain.store(links)
        PersonalValue.objects.bulk_create(ready.personal, batch_size=500)
        self._set_timers(new + moving, now)
        self._reject(ready.plans, now)

    def _record(self, plan: Plan, now: datetime) -> Row:
        last = plan.past[-1]
        since = last.placed.told.event.happened_at
        return (
            plan.record,
            self._mapping.workflow,
            plan.case.reference,
            last.target,
            0,
            since,
            now,
        )

    def _envelope(
        self, record: UUID, step: Step, state: State, correlation: str, now: datetime
    ) -> Row:
        event = step.placed.told.event
        return (
            step.placed.id,
            record,
            self._mapping.workflow,
            step.version,
            event.transition,
            step.target,
            None if step.person.user is None else step.person.user.pk,
            step.person.actor.label,
            event.reason,
            dict(event.payload),
            step.digest,
            Origin.BACKFILL.value,
            correlation,
            now,
            event.happened_at,
            self._run.pk,
            step.placed.told.row,
            step.placed.position,
            state.value,
            step.anomaly,
            step.message,
            now if state == State.RECONSTRUCTED else None,
        )

    def _notes(self, plan: Plan, correlation: str, now: datetime) -> Iterable[chain.Note]:
        version = 0 if plan.present is None else plan.present.record.version
        for step in plan.past:
            yield reconstructed(plan.record, step, self._source, correlation, now)
        for place, step in enumerate(plan.moves, start=1):
            yield reconstructed(
                plan.record, step, self._source, correlation, now, version=version + place
            )
        yield adopted(plan, self._source, correlation, now)

    def _set_timers(self, plans: Sequence[Plan], now: datetime) -> None:
        workflow = registry.latest(self._mapping.workflow)
        if not any(each.automatic_after is not None for each in workflow.transitions):
            return
        TransitionEnvelope.objects.bulk_create(
            [
                timer
                for plan in plans
                for timer in timers.timers(
                    workflow=workflow,
                    record=plan.record,
                    status=(plan.moves or plan.past)[-1].target,
                    version=(plan.present.record.version if plan.present else 0) + len(plan.moves),
                    entered_by=(plan.moves or plan.past)[-1].placed.id,
                    now=now,
                    since=(plan.moves or plan.past)[-1].placed.told.event.happened_at,
                )
            ],
            batch_size=200,
        )

    def _reject(self, plans: Sequence[Plan], now: datetime) -> None:
        _REJECTS.insert(
            [
                (
                    plan.reject_id(each),
                    self._run.pk,
                    self._mapping.workflow,
                    plan.case.reference,
                    each.placed.told.event.transition,
                    each.placed.told.row,
                    each.placed.position,
                    each.placed.told.event.happened_at,
                    each.fault.value,
                    each.message,
                    each.placed.told.text,
                    now,
                )
                for plan in plans
                for each in plan.rejected
            ]
        )
        resolved = [pk for plan in plans for pk in plan.resolved]
        if resolved:
            BackfillReject.objects.filter(pk__in=resolved).update(
                resolved_at=now, resolved_by=self._run
            )


def _counts(plans: Sequence[Plan]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for plan in plans:
        for step in (*plan.past, *plan.moves):
            counts[f"anomaly.{step.anomaly}" if step.anomaly else "adopted"] += 1
        for each in plan.rejected:
            counts[f"rejected.{each.fault.value}"] += 1
        if plan.past or plan.moves:
            counts["records.new" if plan.present is None else "records.continued"] += 1
        counts["moves"] += len(plan.moves)
    return +counts
