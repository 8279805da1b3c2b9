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
from workflow.engine.decide import CallFirst, Fail, Fire, decide
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


def _decide_and_write(claim: Claim, ids: Sequence[UUID], now: datetime) -> Counter[str]:
    held = hold.held(ids=ids, token=claim.token)
    found = hold.subjects(held)
    receipts = _receipts(held)
    makers = duties.makers_of(_declared(held))
    fired: list[Fired] = []
    calling: list[Calling] = []
    ended: list[Ended] = []
    left: list[UUID] = []
    until = time.monotonic() + limits().lease.total_seconds() / 6
    for envelope in held:
        if time.monotonic() > until and (fired or ended or calling):
            left.append(envelope.transition_id)
            continue
        subject = found.get(envelope.record_id)
        mine = receipts.get(envelope.transition_id, {})
        with working_on(envelope, step="attempt") as told:
            decision = decide(
                envelope=envelope,
                subject=subject,
                receipts=mine,
                makers=makers.get(envelope.record_id),
                now=now,
            )
            told["decision"] = getattr(decision, "code", "") or type(decision).__name__
        match decision:
            case Fire():
                fired.append(Fired(envelope=envelope, subject=_there(subject), decision=decision))
            case CallFirst():
                calling.append(Calling(envelope=envelope, decision=decision))
            case _:
                ended.append(Ended(envelope=envelope, decision=decision))
    notes = (
        fire(fired=fired, token=claim.token, now=now)
        + call_first(calling=calling, now=now)
        + settle(ended=ended, now=now)
    )
    chain.append(notes)
    if left:
        _give_back(claim, left, now)
    late = set(ids) - {envelope.transition_id for envelope in held}
    if late:
        transaction.on_commit(lambda: note_late(claim=claim, late=late, now=now))
    transaction.on_commit(lambda: _log(fired, calling, ended))
    outcomes = Counter({str(State.FIRED): len(fired), "late": len(late), "left": len(left)})
    outcomes.update(str(each.envelope.state) for each in ended)
    outcomes[str(State.CALLING)] += len(calling)
    return outcomes


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
    transaction.on_commit(lambda: _log([], [], ended))
    return Counter(str(each.envelope.state) for each in ended)


def _is_connected() -> bool:
    return connection.connection is not None and connection.is_usable()


def _log(fired: Sequence[Fired], calling: Sequence[Calling], ended: Sequence[Ended]) -> None:
    for each in fired:
        log.info("transition.fired", target=each.envelope.target, **facts_of(each.envelope))
    for one in calling:
        effect = one.decision.planned.effect.name
        log.info("transition.calling", effect=effect, **facts_of(one.envelope))
    for other in ended:
        envelope = other.envelope
        event = log.warning if envelope.state == State.PARKED else log.info
        event(
            "transition.settled",
            state=str(envelope.state),
            code=envelope.code,
            **facts_of(envelope),
        )
