"""Taking up work: a lease with a fence on a batch of due envelopes.

A claim is a conditional UPDATE. Whoever changes the row from waiting to running has it; the token
tells this claim's rows from any other's, and the fence, which rises with every claim, tells an
attempt from all earlier ones. A worker that stood still past its lease finds another token, and
may write nothing. Where the database can skip locked rows, workers do not queue behind each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.sql import Query

from audit.compiled import Compiled, change_of
from workflow.definition import registry
from workflow.engine.boundary import Boundary, reach
from workflow.engine.limits import limits
from workflow.models import Priority, State, TransitionEnvelope, uuid7
from workflow.models.envelope import EnvelopeQuerySet

_ACTIVE = (State.WAITING, State.RUNNING, State.SCHEDULED, State.CALLING, State.UNDOING)
"""States in which `due_at` calls for somebody: to work, to rescue, to ripen, to end, to undo."""

_SHARE = 8
"""One in so many of a batch is kept for the less urgent, so that they are not starved; none of
smaller batches."""

Versions = tuple[tuple[str, tuple[int, ...]], ...]
"""Definition versions by workflow name; see `registry.fixed_versions`."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A batch that one worker holds."""

    token: UUID
    worker: str
    envelopes: tuple[UUID, ...]
    """Transition ids."""

    is_few: bool = False
    """Whether these are a few urgent ones, and the less urgent were not looked at."""


def claim(
    *, worker: str, now: datetime, limit: int | None = None, few_first: bool = False
) -> Claim | None:
    """Claim up to `limit` due envelopes, the more urgent and older first.

    One whose attempts have killed a worker before is claimed alone, so that it cannot take others
    down with it. Versions that this release does not have are left to one that does. Within a
    transaction of the caller's, the claim holds once that one is committed.

    Args:
        few_first: Whether urgent ones, if they are few, are claimed without others: they are done
            sooner than as a part of a large batch. Who asks for it each time starves the others.

    Returns:
        The claim; None when nothing is due.
    """
    token = uuid7()
    with transaction.atomic(savepoint=False):
        chosen, is_few = _choose(now=now, limit=limit or limits().batch, few_first=few_first)
        if not chosen:
            return None
        until = now + limits().lease
        taken = _TAKE.change(chosen=chosen, token=token, worker=worker, now=now, until=until)
        if taken < len(chosen):
            ours = TransitionEnvelope.objects.filter(pk__in=chosen, claim=token)
            chosen = list(ours.values_list("pk", flat=True))
        reach(Boundary.CLAIM_WRITTEN)
        transaction.on_commit(partial(reach, Boundary.CLAIM_COMMITTED))
    if not chosen:
        return None
    return Claim(token=token, worker=worker, envelopes=tuple(chosen), is_few=is_few)


def due(*, versions: Versions, now: datetime) -> EnvelopeQuerySet:
    """Return the envelopes that call for somebody: to work, to rescue, to ripen, to undo."""
    return (
        TransitionEnvelope.objects.runnable(dict(versions))
        .not_paused(now=now)
        .filter(
            state__in=_ACTIVE,
            priority__in=Priority.values,
            due_at__lte=now,
        )
    )


def first_due(*, versions: Versions, now: datetime) -> list[EnvelopeQuerySet]:
    """Return what, together, tells whether any envelope is `due`.

    Where the database can put them together so, that is the first of each state and priority, in
    the order of the index. A planner that takes what was due an hour ago for what is due now would
    otherwise read the whole table to find nothing.
    """
    ready = due(versions=versions, now=now)
    if not connection.features.supports_slicing_ordering_in_compound:
        return [ready.order_by()]
    return [
        ready.filter(state=state, priority=priority).order_by("due_at")[:1]
        for state in _ACTIVE
        for priority in Priority.values
    ]


def renew(*, claim: Claim, now: datetime) -> None:
    """Extend the lease of what is left of a claim; rows that are not ours any more stay as is."""
    TransitionEnvelope.objects.filter(
        pk__in=claim.envelopes, claim=claim.token, state=State.RUNNING
    ).update(due_at=now + limits().lease)


def _choose(*, now: datetime, limit: int, few_first: bool) -> tuple[list[UUID], bool]:
    chosen: list[UUID] = []
    share = limit // _SHARE
    for priority in Priority.values:
        room = max(limit - len(chosen), share)
        if not room:
            break
        # By `limit`, which is one of few; each other one would be a statement to compile.
        rows = _READY.rows(registry.fixed_versions(), priority, limit, now=now)[:room]
        if rows and rows[0][1] and not chosen:
            return [rows[0][0]], False
        found = [pk for pk, crashes in rows if not crashes]
        chosen = chosen[: limit - len(found)] + found
        if few_first and 0 < len(chosen) <= share:
            return chosen, priority != Priority.values[-1]
    return chosen, False


def _ready(versions: Versions, priority: int, limit: int, *, now: datetime) -> Query:
    ready = TransitionEnvelope.objects.ready(now=now).runnable(dict(versions)).not_paused(now=now)
    if connection.features.has_select_for_update_skip_locked:
        ready = ready.select_for_update(skip_locked=True)
    found = ready.filter(priority=priority).order_by("due_at").values_list("pk", "crashes")
    return found[:limit].query


_READY = Compiled(_ready)


def _take(
    *, chosen: list[UUID], token: UUID, worker: str, now: datetime, until: datetime
) -> Query:
    return change_of(
        TransitionEnvelope.objects.filter(pk__in=chosen).still_ready(now=now),
        state=State.RUNNING,
        claim=token,
        fence=F("fence") + 1,
        worker=worker,
        claimed_at=now,
        due_at=until,
    )


_TAKE = Compiled(_take)
