"""Beginning a run, taking up one that was cut off, giving one up."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from workflow.backfill import lease
from workflow.backfill.mapping import AnyMapping
from workflow.backfill.trail import Act, enter
from workflow.definition import WorkflowError
from workflow.models import BackfillRun


class CannotBegin(WorkflowError):
    """There is an unfinished run of this source."""

    code = "cannot_begin"


def unfinished(*, mapping: AnyMapping, source: str) -> BackfillRun | None:
    """Return the unfinished run of a source under a mapping, if there is one."""
    runs = BackfillRun.objects.filter(mapping=mapping.name, source=source)
    return runs.filter(state__in=BackfillRun.UNFINISHED).first()


def begin(
    *,
    mapping: AnyMapping,
    source: str,
    digest: str,
    is_strict: bool,
    actor: str,
    now: datetime,
) -> BackfillRun:
    """Make a run and take it up.

    Raises:
        CannotBegin: Another one of this source is unfinished.
    """
    run = BackfillRun(
        workflow=mapping.workflow,
        mapping=mapping.name,
        source=source,
        source_digest=digest,
        is_strict=is_strict,
        started_by=actor,
        started_at=now,
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
            evidence = {"strict": is_strict}
            enter(run=run, act=Act.BEGUN, actor=actor, now=now, evidence=evidence)
    except IntegrityError:
        other = unfinished(mapping=mapping, source=source)
        raise CannotBegin(
            f"Run {'' if other is None else other.pk} of {source} as {mapping.name} is unfinished:"
            " go on with it by --resume."
        ) from None
    lease.take(run=run, now=now)
    return run


def resume(*, run: BackfillRun, actor: str, now: datetime) -> None:
    """Take up an unfinished run where it was cut off.

    Raises:
        IsTaken: A live process works on it.
    """
    lease.take(run=run, now=now)
    with transaction.atomic():
        lease.hold(run=run, now=now, state=BackfillRun.State.RUNNING)
        evidence = {"process": run.process, "cursor": run.cursor}
        enter(run=run, act=Act.RESUMED, actor=actor, now=now, evidence=evidence)


@transaction.atomic
def abandon(*, run: BackfillRun, actor: str, now: datetime) -> None:
    """Give an unfinished run up; a process that works on it ends at its next batch."""
    BackfillRun.objects.filter(pk=run.pk, state__in=BackfillRun.UNFINISHED).update(
        state=BackfillRun.State.ABANDONED, finished_at=now, lease_ends_at=None
    )
    enter(run=run, act=Act.ABANDONED, actor=actor, now=now)


@transaction.atomic
def pause(*, run: BackfillRun, actor: str, reason: str, now: datetime) -> bool:
    """Hold a run after its present batch; return whether it was running."""
    if not _turn(run, old=BackfillRun.State.RUNNING, new=BackfillRun.State.PAUSED):
        return False
    enter(run=run, act=Act.PAUSED, actor=actor, now=now, reason=reason)
    return True


@transaction.atomic
def go_on(*, run: BackfillRun, actor: str, reason: str, now: datetime) -> bool:
    """Let a paused run go on; return whether it was paused."""
    if not _turn(run, old=BackfillRun.State.PAUSED, new=BackfillRun.State.RUNNING):
        return False
    enter(run=run, act=Act.WENT_ON, actor=actor, now=now, reason=reason)
    return True


def _turn(run: BackfillRun, *, old: BackfillRun.State, new: BackfillRun.State) -> bool:
    return bool(BackfillRun.objects.filter(pk=run.pk, state=old).update(state=new))
