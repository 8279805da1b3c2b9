"""One act on many records: prepared, allowed in stages, done in batches, stoppable in between.

Preparing writes down which records are meant, and nothing else. A stage lets the first, then ten
more, then the rest go ahead, so that a mistake shows on one record and not on ten thousand. Each
item is done at most once: what was chosen is remembered with its version or fence, and an item
that has moved since is skipped. Whoever closes the page stops nothing and loses nothing: the run
stands where it was, and goes on when it is looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext_noop, override

from workflow.acts import effects
from workflow.acts.cancel import cancel
from workflow.acts.resume import resume
from workflow.definition import InvalidRequest, WorkflowError
from workflow.engine.answer import Accepted, Conflict, Invalid, Refused, Repeated
from workflow.engine.request import Request
from workflow.engine.submit import submit_many
from workflow.models import (
    Act,
    BulkItem,
    BulkRun,
    BulkState,
    EffectEntry,
    ItemState,
    Origin,
    Priority,
    Record,
    TransitionEnvelope,
)

STAGES = (1, 10)
"""How many items the first stages let through; then comes the rest."""

MOST = 10_000
"""Items of one run."""

_TOGETHER = 50


@dataclass(frozen=True, kw_only=True)
class Target:
    """One record that is meant, and the envelope, if it is about one that exists."""

    record: Record
    envelope: TransitionEnvelope | None = None
    effect: EffectEntry | None = None

    @property
    def expected(self) -> int:
        """What must still be so when its turn comes: the record's version, or a fence."""
        if self.effect is not None:
            return self.effect.fence
        return self.record.version if self.envelope is None else self.envelope.fence


@transaction.atomic
def prepare(
    *,
    act: Act,
    targets: Sequence[Target],
    user: AbstractBaseUser,
    reason: str,
    title: str,
    now: datetime,
    transition: str = "",
    payload: dict[str, Any] | None = None,
    rate: int = 50,
) -> BulkRun:
    """Write down what is meant; nothing is done yet.

    Args:
        rate: Most items a second.

    Raises:
        InvalidRequest: No reason, nothing chosen, or too much.
    """
    if not reason.strip():
        raise InvalidRequest(
            "reason", reason, gettext_noop("say why; it goes into the trail of each record")
        )
    if not 0 < len(targets) <= MOST:
        raise InvalidRequest(
            "items", len(targets), gettext_noop("choose 1 to %(most)d"), facts={"most": MOST}
        )
    run = BulkRun.objects.create(
        act=act,
        transition=transition,
        by_id=user.pk,
        reason=reason,
        payload=payload or {},
        title=title[:200],
        created_at=now,
        rate=min(max(rate, 1), 1000),
    )
    BulkItem.objects.bulk_create(
        [
            BulkItem(
                run=run,
                position=position,
                record=target.record,
                envelope=target.envelope,
                effect=target.effect,
                expected=target.expected,
            )
            for position, target in enumerate(targets, start=1)
        ],
        batch_size=500,
    )
    return run


def next_stage(*, run: BulkRun, total: int) -> int:
    """Return how many more items the next go-ahead lets through; 0 when all are."""
    allowed = 0
    for size in STAGES:
        allowed += size
        if run.allowed < allowed:
            return max(0, min(allowed, total) - run.allowed)
    return max(0, total - run.allowed)


@transaction.atomic
def allow(*, run: BulkRun, seen: int) -> BulkRun:
    """Let the next stage go ahead, or go on with a stopped one.

    Args:
        seen: How many were allowed on the page that was pressed; pressing twice allows once.
    """
    held = BulkRun.objects.select_for_update().get(pk=run.pk)
    if held.allowed != seen or held.state == BulkState.DONE:
        return held
    total = held.items.count()
    waiting = held.items.filter(state=ItemState.WAITING, position__lte=held.allowed).exists()
    if not waiting:
        held.allowed += next_stage(run=held, total=total)
    held.state = BulkState.GOING
    held.save(update_fields=["allowed", "state"])
    return held


@transaction.atomic
def stop(*, run: BulkRun) -> BulkRun:
    """Hold the run after the batch that is being done; what is done stays done."""
    held = BulkRun.objects.select_for_update().get(pk=run.pk)
    if held.state in (BulkState.GOING, BulkState.READY):
        held.state = BulkState.STOPPED
        held.save(update_fields=["state"])
    return held


@transaction.atomic
def advance(*, run: BulkRun, user: AbstractBaseUser, now: datetime) -> BulkRun:
    """Do the next batch of what is allowed, as many as the rate lets through.

    Any number of pages may call it at once: the row of the run is locked meanwhile. Items are done
    in the order of record ids, as workers lock them.
    """
    held = BulkRun.objects.select_for_update().get(pk=run.pk)
    if held.state != BulkState.GOING:
        return held
    waiting = held.items.filter(state=ItemState.WAITING, position__lte=held.allowed)
    batch = list(waiting.order_by("position")[: _pace(held, now)])
    for item in batch:
        item.done_at = now
    if held.act == Act.REQUEST:
        _request(held, batch, user, now)
    else:
        for item in sorted(batch, key=lambda each: each.record_id.int):
            _release(held, item, user, now)
    BulkItem.objects.bulk_update(
        batch, ["state", "message", "done_at", "envelope"], batch_size=_TOGETHER
    )
    if batch:
        held.advanced_at = now
    if not waiting.exists():
        left = held.items.filter(state=ItemState.WAITING).exists()
        held.state = BulkState.READY if left else BulkState.DONE
    held.save(update_fields=["state", "advanced_at"])
    return held


def _pace(run: BulkRun, now: datetime) -> int:
    if run.advanced_at is None:
        return min(_TOGETHER, run.rate)
    seconds = (now - run.advanced_at).total_seconds()
    return max(0, min(_TOGETHER, int(run.rate * seconds)))


def _release(run: BulkRun, item: BulkItem, user: AbstractBaseUser, now: datetime) -> None:
    about: dict[str, Any] = {
        "user": user,
        "reason": run.reason,
        "now": now,
        "fence": item.expected,
    }
    try:
        if item.effect_id is not None:
            effects.retry(effect=item.effect_id, **about)
        elif run.act == Act.RETRY:
            resume(transition_id=_transition(item), **about)
        else:
            cancel(transition_id=_transition(item), **about)
    except InvalidRequest as error:
        item.state = ItemState.SKIPPED
        item.message = in_source(error)
    else:
        item.state = ItemState.DONE


def in_source(error: WorkflowError) -> str:
    """Return what an error says in the language of the source: who reads the row is not known."""
    with override(None):
        return str(error)


def _transition(item: BulkItem) -> UUID:
    assert item.envelope_id is not None, "an item of a retry has its envelope"
    return item.envelope_id


def _request(
    run: BulkRun, batch: Sequence[BulkItem], user: AbstractBaseUser, now: datetime
) -> None:
    answers = submit_many(
        requests=[
            Request(
                record=item.record_id,
                transition=run.transition,
                transition_id=item.transition_id,
                user=user,
                payload=run.payload,
                reason=run.reason,
                origin=Origin.FORM,
                expected_version=item.expected,
                priority=Priority.BULK,
            )
            for item in batch
        ],
        now=now,
    )
    for item, answer in zip(batch, answers, strict=True):
        match answer:
            case Accepted(envelope=envelope) | Repeated(envelope=envelope):
                item.state, item.envelope = ItemState.DONE, envelope
            case Refused(envelope=envelope, refusals=refusals):
                item.state, item.envelope = ItemState.REFUSED, envelope
                item.message = " ".join(refusal.message for refusal in refusals)
            case Conflict():
                item.state = ItemState.REFUSED
                item.message = gettext_noop("Its transition id belongs to another request.")
            case Invalid(error=error):
                item.state = ItemState.REFUSED
                item.message = in_source(error)
