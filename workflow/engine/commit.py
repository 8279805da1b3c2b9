"""The retry-safe outer loop over one claimed batch: read, decide, persist with a guard.

A batch is one transaction: envelopes and records are locked in one order, each envelope is decided
in Python on what is locked, and all outcomes are written in a few statements. (Where one lock is
for all, it is decided before, and compared under the lock; see `batch`.) A kill before the commit
leaves nothing; a kill after it leaves nothing to do. What the database refuses is split in halves
until the culprit stands alone, so that its neighbours are not hurt.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction

from audit import chain
from workflow.engine import hold
from workflow.engine.batch import Batch, Outcomes, decided, decided_early
from workflow.engine.boundary import Boundary, reach
from workflow.engine.call_first import call_first
from workflow.engine.claim import Claim, renew
from workflow.engine.correlation import facts_of
from workflow.engine.decide import Fail
from workflow.engine.fire import Moved
from workflow.engine.late import note_late
from workflow.engine.rescue import give_back
from workflow.engine.settle import Ended, settle
from workflow.models import Ending, State

log = structlog.get_logger(__name__)

_TRIES_ALONE = 3
"""Transactions for one envelope before the database's refusal counts as its failure."""


@dataclass(frozen=True, kw_only=True)
class Worked:
    """What came of a claim's envelopes, and what was claimed with that."""

    tally: Counter[str]
    """Outcomes, counted."""

    following: Claim | None = None


def work_off(
    *,
    claim: Claim,
    clock: Callable[[], datetime],
    follow: Callable[[], Claim | None] | None = None,
) -> Worked:
    """Bring every envelope of a claim to an outcome.

    Args:
        follow: Claims what is to be worked off next. It is called in the transaction of the
            outcomes, and holds if that one does: one commit less, and on SQLite one turn less at
            the write lock. Not if that is refused and has to be written in parts. What it claimed
            and is not returned, give back: whether it holds is not known.

    Raises:
        DatabaseError: The connection is lost. What was not committed is still claimed: hand it
            back, or let the lease run out.
    """
    tally: Counter[str] = Counter()
    following: Claim | None = None
    waiting: list[Sequence[UUID]] = [claim.envelopes]
    tries = 0
    while waiting:
        ids = waiting.pop()
        try:
            worked = _commit(claim, ids, clock(), None if waiting else follow)
        except (DatabaseError, Moved) as error:
            if not _is_connected():
                raise
            follow = None  # what it claimed may be what was refused
            tries = tries + 1 if len(ids) == 1 else 0
            log.warning("batch.refused", envelopes=len(ids), error=str(error))
            if len(ids) > 1:
                middle = len(ids) // 2
                waiting += [ids[middle:], ids[:middle]]
            elif tries < _TRIES_ALONE:
                waiting.append(ids)
            else:
                tally += _blame(claim, ids, error, clock())
                tries = 0
        else:
            tally += worked.tally
            following = worked.following
            tries = 0
        if waiting:
            renew(claim=claim, now=clock())
    return Worked(tally=tally, following=following)


def _commit(
    claim: Claim,
    ids: Sequence[UUID],
    now: datetime,
    follow: Callable[[], Claim | None] | None,
) -> Worked:
    early = decided_early(ids=ids, token=claim.token, now=now)
    with transaction.atomic():
        batch = decided(ids=ids, token=claim.token, now=now, early=early)
        tally = _write(claim, ids, batch, now)
        following = None if follow is None else follow()
        reach(Boundary.BATCH_WRITTEN)
    reach(Boundary.BATCH_COMMITTED)
    return Worked(tally=tally, following=following)


def _write(claim: Claim, ids: Sequence[UUID], batch: Batch, now: datetime) -> Counter[str]:
    outcomes = batch.outcomes
    notes = [
        *batch.firing.write(claim.token),
        *call_first(calling=outcomes.calling, now=now),
        *settle(ended=outcomes.ended, now=now),
    ]
    _append(batch, notes)
    if outcomes.left:
        give_back(claim=claim, ids=outcomes.left, now=now)
    late = set(ids) - {each.transition_id for each in batch.grounds.envelopes}
    if late:
        transaction.on_commit(lambda: note_late(claim=claim, late=late, now=now))
    transaction.on_commit(lambda: _log(outcomes))
    tally = Counter({"late": len(late), "left": len(outcomes.left)})
    tally[str(State.FIRED)] = len(outcomes.fired)
    tally.update(str(each.envelope.state) for each in outcomes.ended)
    tally[str(State.CALLING)] += len(outcomes.calling)
    return tally


def _append(batch: Batch, notes: Sequence[chain.Note]) -> None:
    """Append what fired, and then the rest."""
    ends = chain.heads(envelope.record_id for envelope in batch.grounds.envelopes)
    linked = batch.linked
    if linked is None or ends != batch.ends:
        linked = chain.link(batch.firing.notes, ends=ends)
    chain.store(linked.followed_by(notes))


@transaction.atomic
def _blame(claim: Claim, ids: Sequence[UUID], error: Exception, now: datetime) -> Counter[str]:
    """Count the database's refusal as the failed attempt of the one envelope that causes it."""
    fail = Fail(
        ending=Ending.ERROR,
        code="database_refused",
        message=f"The database refused its outcome: {error}"[:2000],
    )
    ended = [
        Ended(envelope=envelope, decision=fail)
        for envelope in hold.held(ids=ids, token=claim.token)
    ]
    chain.append(settle(ended=ended, now=now))
    transaction.on_commit(lambda: _log(Outcomes(ended=ended)))
    return Counter(str(each.envelope.state) for each in ended)


def _is_connected() -> bool:
    return connection.connection is not None and connection.is_usable()


def _log(outcomes: Outcomes) -> None:
    told = outcomes.fired if log.isEnabledFor(logging.INFO) else ()
    for each in told:
        log.info("transition.fired", target=each.envelope.target, **facts_of(each.envelope))
    for one in outcomes.calling:
        effect = one.decision.planned.effect.name
        log.info("transition.calling", effect=effect, **facts_of(one.envelope))
    for other in outcomes.ended:
        envelope = other.envelope
        event = log.warning if envelope.state == State.PARKED else log.info
        event(
            "transition.settled",
            state=str(envelope.state),
            code=envelope.code,
            **facts_of(envelope),
        )
