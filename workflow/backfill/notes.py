"""How adopted history reads in the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from audit.canonical import moment
from audit.chain import Note
from workflow.backfill.judge import Step
from workflow.backfill.plan import Plan
from workflow.engine.trail import Action


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a run's history comes from, as entries name it."""

    run: UUID
    name: str
    mapping: str
    workflow: str


def reconstructed(
    record: UUID,
    step: Step,
    source: Source,
    correlation_id: str,
    now: datetime,
    *,
    version: int | None = None,
) -> Note:
    """Return the entry of one event: told by the source, recorded now.

    An event that moves the record here and now is entered as fired, like any other move; that it
    was told, and when it happened, stands in its evidence.

    Args:
        version: What the record's version becomes, where it moves here and now.
    """
    told = step.placed.told
    evidence: dict[str, Any] = {
        "transition": told.event.transition,
        "happened_at": moment(told.event.happened_at),
        "source": source.name,
        "row": told.row,
        "position": step.placed.position,
        "run": source.run.hex,
        "definition": step.version,
        "digest": step.digest,
    }
    if step.anomaly:
        evidence |= {"anomaly": step.anomaly, "message": step.message}
    if version is not None:
        evidence["version"] = version
    return Note(
        chain=record,
        at=now,
        action=(Action.RECONSTRUCTED if version is None else Action.FIRED).value,
        actor_id=step.person.actor.id or "",
        actor=step.person.actor.label,
        reason=told.event.reason,
        old=step.old,
        new=step.target,
        transition_id=step.placed.id,
        correlation_id=correlation_id,
        evidence=evidence,
    )


def adopted(plan: Plan, source: Source, correlation_id: str, now: datetime) -> Note:
    """Return the boundary: what is before it was told by a source, what is after it happened here.

    Being an entry of the chain, it vouches for everything before it. For a record that is new
    here it is the beginning, and says where the record stands; others say that themselves.
    """
    steps: Sequence[Step] = (*plan.past, *plan.moves)
    times = [step.placed.told.event.happened_at for step in steps]
    record = None if plan.present is None else plan.present.record
    stands = plan.past[-1].target if record is None else ""
    evidence: dict[str, Any] = {
        "workflow": source.workflow,
        "reference": plan.case.reference,
        "source": source.name,
        "mapping": source.mapping,
        "run": source.run.hex,
        "events": len(steps),
        "moves": len(plan.moves),
        "anomalies": sum(bool(step.anomaly) for step in steps),
        "rejected": len(plan.rejected),
        "first": moment(min(times)),
        "last": moment(max(times)),
        "is_new": record is None,
        "version": (0 if record is None else record.version) + len(plan.moves),
    }
    return Note(
        chain=plan.record,
        at=now,
        action=Action.ADOPTED.value,
        actor="backfill",
        new=stands,
        correlation_id=correlation_id,
        evidence=evidence,
    )
