"""The retry-safe outer loop over one claimed batch: read, decide, persist with a guard.

A batch is one transaction: envelopes and records are locked in one order, each envelope is decided
in Python on what is locked, and all outcomes are written in a few statements. A kill before the
commit leaves nothing; a kill after it leaves nothing to do. What the database refuses is split in
halves until the culprit stands alone, so that its neighbours are not hurt.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction

from audit import chain
from workflow.definition import Transition, registry
from workflow.engine import duties, hold
from workflow.engine.boundary import Boundary, reach
from workflow.engine.call_first import Calling, call_first
from workflow.engine.claim import Claim, renew
from workflow.engine.correlation import facts_of, working_on
from workflow.engine.decide import CallFirst, Decision, Fail, Fire, decide, deciding
from workflow.engine.fire import Fired, Moved, fire
from workflow.engine.late import note_late
from workflow.engine.limits import limits
from workflow.engine.settle import Ended, settle
from workflow.models import (
    EffectEntry,
    EffectState,
    Ending,
    Phase,
    State,
    Tracked,
    TransitionEnvelope,
)

log = structlog.get_logger(__name__)

_TRIES_ALONE = 3
"""Transactions for one envelope before the database's refusal counts as its failure."""


def work_off(*, claim: Claim, clock: Callable[[], datetime]) -> Counter[str]:
    """Bring every envelope of a claim to an outcome and count the outcomes.

    Raises:
        DatabaseError: The connection is lost. What was not committed is still claimed: hand it
            back, or let the lease run out.
    """
    tally: Counter[str] = Counter()
    waiting: list[Sequence[UUID]] = [claim.envelopes]
    tries = 0
    while waiting:
        ids = waiting.pop()
        try:
            tally += _commit(claim, ids, clock())
        except (DatabaseError, Moved) as error:
            if not _is_connected():
                raise
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
            tries = 0
        if waiting:
            renew(claim=claim, now=clock())
    return tally


def _commit(claim: Claim, ids: Sequence[UUID], now: datetime) -> Counter[str]:
    with transaction.atomic():
        outcomes = _decide_and_write(claim, ids, now)
        reach(Boundary.BATCH_WRITTEN)
    reach(Boundary.BATCH_COMMITTED)
    return outcomes


@dataclass(kw_only=True)
class _Outcomes:
    """What becomes of a batch's envelopes."""

    fired: list[Fired] = field(default_factory=list)
    calling: list[Calling] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    left: list[UUID] = field(default_factory=list)
    """Those to which it did not come: one slow neighbour took the time."""


def _decide_and_write(claim: Claim, ids: Sequence[UUID], now: datetime) -> Counter[str]:
    held = hold.held(ids=ids, token=claim.token)
    outcomes = _decided(held, now)
    notes = (
        fire(fired=outcomes.fired, token=claim.token, now=now)
        + call_first(calling=outcomes.calling, now=now)
        + settle(ended=outcomes.ended, now=now)
    )
    chain.append(notes)
    if outcomes.left:
        _give_back(claim, outcomes.left, now)
    late = set(ids) - {envelope.transition_id for envelope in held}
    if late:
        transaction.on_commit(lambda: note_late(claim=claim, late=late, now=now))
    transaction.on_commit(lambda: _log(outcomes))
    tally = Counter({"late": len(late), "left": len(outcomes.left)})
    tally[str(State.FIRED)] = len(outcomes.fired)
    tally.update(str(each.envelope.state) for each in outcomes.ended)
    tally[str(State.CALLING)] += len(outcomes.calling)
    return tally


def _decided(held: Sequence[TransitionEnvelope], now: datetime) -> _Outcomes:
    found = hold.subjects(held)
    receipts = _receipts(held)
    makers = duties.makers_of(_declared(held))
    outcomes = _Outcomes()
    until = time.monotonic() + limits().lease.total_seconds() / 6
    with deciding():
        for place, envelope in enumerate(held):
            if place and time.monotonic() > until:
                outcomes.left.append(envelope.transition_id)
                continue
            subject = found.get(envelope.record_id)
            with working_on(envelope, step="attempt") as told:
                decision = decide(
                    envelope=envelope,
                    subject=subject,
                    receipts=receipts.get(envelope.transition_id, {}),
                    makers=makers.get(envelope.record_id),
                    now=now,
                )
                told["decision"] = getattr(decision, "code", "") or type(decision).__name__
            _sort_in(outcomes, envelope, subject, decision)
    return outcomes


def _sort_in(
    outcomes: _Outcomes, envelope: TransitionEnvelope, subject: Tracked | None, decision: Decision
) -> None:
    match decision:
        case Fire():
            fired = Fired(envelope=envelope, subject=_there(subject), decision=decision)
            outcomes.fired.append(fired)
        case CallFirst():
            outcomes.calling.append(Calling(envelope=envelope, decision=decision))
        case _:
            outcomes.ended.append(Ended(envelope=envelope, decision=decision))


def _declared(
    held: Sequence[TransitionEnvelope],
) -> Iterator[tuple[UUID, Transition[Any, Any]]]:
    for envelope in held:
        workflow = registry.get(envelope.workflow, envelope.definition_version)
        transition = workflow.by_name.get(envelope.transition)
        if transition is not None:
            yield envelope.record_id, transition


def _there(subject: Tracked | None) -> Tracked:
    if subject is None:
        raise AssertionError("nothing fires without its subject")
    return subject


def _receipts(held: Sequence[TransitionEnvelope]) -> dict[UUID, dict[str, Mapping[str, Any]]]:
    """Return what the before-effects that are done have brought, by envelope and name."""
    called = [envelope.transition_id for envelope in held if envelope.called]
    if not called:
        return {}
    done = EffectEntry.objects.filter(
        envelope__in=called, phase=Phase.BEFORE, state=EffectState.DONE
    ).values_list("envelope", "name", "receipt")
    found: dict[UUID, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for envelope, name, receipt in done:
        found[envelope][name] = receipt
    return found


def _give_back(claim: Claim, left: list[UUID], now: datetime) -> None:
    """Return what one slow neighbour left no time for; it was not begun, so no attempt ended."""
    TransitionEnvelope.objects.filter(pk__in=left, claim=claim.token).update(
        state=State.WAITING, due_at=now
    )


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
    transaction.on_commit(lambda: _log(_Outcomes(ended=ended)))
    return Counter(str(each.envelope.state) for each in ended)


def _is_connected() -> bool:
    return connection.connection is not None and connection.is_usable()


def _log(outcomes: _Outcomes) -> None:
    for each in outcomes.fired:
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
