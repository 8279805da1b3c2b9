"""Taking work back from workers that will not finish it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from audit import chain
from workflow.engine import hold
from workflow.engine.boundary import Boundary, reach
from workflow.engine.claim import Claim
from workflow.engine.correlation import facts_of
from workflow.engine.decide import Fail
from workflow.engine.settle import ATTEMPTS, Ended, attempt, settle
from workflow.models import Ending, State, TransitionEnvelope

log = structlog.get_logger(__name__)

_TOGETHER = 100


def rescue(*, now: datetime) -> int:
    """End the attempts whose lease ran out, as deaths; return how many.

    Any number of workers may call it at once. A death counts as an attempt, so an envelope that
    kills its workers parks.
    """
    return _end(TransitionEnvelope.objects.expired(now=now), _DIED, now)


def rescue_cluster(*, cluster: str, now: datetime) -> int:
    """End the attempts of a cluster that is known to be dead, without waiting for its leases.

    Call only once every process of the cluster is gone.
    """
    held = TransitionEnvelope.objects.in_flight().filter(
        state=State.RUNNING, worker__startswith=f"{cluster}/"
    )
    total = 0
    while ended := _end(held, _DIED, now):
        total += ended
    return total


def hand_back(*, claim: Claim, now: datetime) -> int:
    """Give up what is left of a claim after its work was interrupted; return how many."""
    left = TransitionEnvelope.objects.filter(
        pk__in=claim.envelopes, claim=claim.token, state=State.RUNNING
    )
    total = 0
    while True:
        ended = _end(left, _INTERRUPTED, now)
        total += ended
        if ended < _TOGETHER:
            return total


@transaction.atomic
def give_back(*, claim: Claim, ids: Sequence[UUID], now: datetime) -> None:
    """Let go of what was claimed and not begun: it is due at once, and no try of it is used up.

    The claim has ended all the same, and has its attempt, as every claim.
    """
    held = {each.pk: each for each in hold.held(ids=ids, token=claim.token)}
    ATTEMPTS.insert([attempt(each, _NOT_BEGUN, now) for each in held.values()])
    TransitionEnvelope.objects.filter(pk__in=held).update(state=State.WAITING, due_at=now)


_DIED = Fail(
    ending=Ending.DIED,
    code="worker_died",
    message=gettext_noop("Its worker stopped renewing the lease: killed, frozen or cut off."),
)
_INTERRUPTED = Fail(
    ending=Ending.INTERRUPTED,
    code="interrupted",
    message=gettext_noop("Its worker lost the database in the middle and gave it back."),
)
_NOT_BEGUN = Fail(
    ending=Ending.INTERRUPTED,
    code="not_begun",
    message=gettext_noop("Its worker gave it back before it came to it."),
)


def _end(which: QuerySet[TransitionEnvelope], fail: Fail, now: datetime) -> int:
    chosen = list(which.order_by("due_at").values_list("pk", flat=True)[:_TOGETHER])
    if not chosen:
        return 0
    with transaction.atomic():
        # The condition is asked again under lock: another worker may have been quicker.
        held = hold.hold(which.filter(pk__in=chosen), skip_locked=True)
        ended = [Ended(envelope=each, decision=fail) for each in held]
        chain.append(settle(ended=ended, now=now))
        reach(Boundary.RESCUE_WRITTEN)
    reach(Boundary.RESCUE_COMMITTED)
    for envelope in held:
        log.warning(
            "attempt.ended",
            ending=fail.ending.value,
            state=str(envelope.state),
            crashes=envelope.crashes,
            **facts_of(envelope),
        )
    return len(held)
