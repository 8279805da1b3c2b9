"""The note that a worker leaves when it comes too late to write anything else."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from audit import chain
from workflow.engine.claim import Claim
from workflow.engine.correlation import facts_of
from workflow.engine.hold import hold
from workflow.engine.trail import Action, note
from workflow.models import Attempt, Ending, TransitionEnvelope

log = structlog.get_logger(__name__)


@transaction.atomic
def note_late(*, claim: Claim, late: Collection[UUID], now: datetime) -> None:
    """Enter that a worker had lost its lease on these envelopes; change nothing else.

    Those that it settled itself, in a commit whose answer it never got, it does not come late to.
    """
    own = Attempt.objects.filter(
        envelope=OuterRef("pk"), fence=OuterRef("fence"), worker=claim.worker
    ).exclude(ending__in=(Ending.DIED, Ending.INTERRUPTED))
    settled = Q(Exists(own), claim=claim.token)
    overtaken = hold(TransitionEnvelope.objects.filter(pk__in=late).exclude(settled))
    chain.append(
        [
            note(
                envelope=envelope,
                action=Action.LATE,
                now=now,
                evidence={"worker": claim.worker, "claim": claim.token.hex, "wrote": "nothing"},
            )
            for envelope in overtaken
        ]
    )
    for envelope in overtaken:
        log.warning("lease.lost", **{**facts_of(envelope), "worker": claim.worker})
