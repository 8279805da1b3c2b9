"""The decisions on a batch, and all that they write, worked out before anything is written."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.db import connection

from audit import chain
from workflow.engine.call_first import Calling
from workflow.engine.correlation import working_on
from workflow.engine.decide import CallFirst, Decision, Fire, decide, deciding
from workflow.engine.fire import Fired, Firing, firing
from workflow.engine.grounds import Grounds, read, read_to_compare
from workflow.engine.limits import limits
from workflow.engine.settle import Ended
from workflow.models import Tracked, TransitionEnvelope


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What becomes of a batch's envelopes."""

    fired: list[Fired] = field(default_factory=list)
    calling: list[Calling] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    left: list[UUID] = field(default_factory=list)
    """Those to which it did not come: one slow neighbour took the time."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch that is decided."""

    grounds: Grounds
    outcomes: Outcomes
    firing: Firing
    linked: chain.Linked | None = None
    """What firing adds to the chains, if that was made already; as long as they end at `ends`."""

    ends: Mapping[UUID, chain.Head] = field(default_factory=dict)


def decided(*, ids: Collection[UUID], token: UUID, now: datetime, early: Batch | None) -> Batch:
    """Return the decisions on what is left of a claim. Call in the transaction that writes them.

    Args:
        early: What was decided before it. If all that it rests on is still there it stands, and is
            forgotten otherwise.
    """
    if early is not None and early.grounds.are_still_there(ids=ids, token=token):
        return early
    return _decide(read(ids=ids, token=token), now)


def decided_early(*, ids: Collection[UUID], token: UUID, now: datetime) -> Batch | None:
    """Return the decisions as far as they pay before the transaction; otherwise None.

    They do on SQLite, with its one write lock for all: deciding takes several times as long as
    reading does, and another worker can write meanwhile.
    """
    if connection.features.has_select_for_update:
        return None
    grounds = read_to_compare(ids=ids, token=token)
    if grounds is None:
        return None
    batch = _decide(grounds, now)
    ends = chain.heads(envelope.record_id for envelope in grounds.envelopes)
    linked = chain.link(batch.firing.notes, ends=ends)
    return replace(batch, ends=ends, linked=linked)


def _decide(grounds: Grounds, now: datetime) -> Batch:
    outcomes = Outcomes()
    until = time.monotonic() + limits().lease.total_seconds() / 6
    with deciding():
        for place, envelope in enumerate(grounds.envelopes):
            if place and time.monotonic() > until:
                outcomes.left.append(envelope.transition_id)
                continue
            subject = grounds.subjects.get(envelope.record_id)
            with working_on(envelope, step="attempt") as told:
                decision = decide(
                    envelope=envelope,
                    subject=subject,
                    receipts=grounds.receipts.get(envelope.transition_id, {}),
                    makers=grounds.makers.get(envelope.record_id),
                    now=now,
                )
                told["decision"] = getattr(decision, "code", "") or type(decision).__name__
            _sort_in(outcomes, envelope, subject, decision)
    return Batch(grounds=grounds, outcomes=outcomes, firing=firing(outcomes.fired, now=now))


def _sort_in(
    outcomes: Outcomes, envelope: TransitionEnvelope, subject: Tracked | None, decision: Decision
) -> None:
    match decision:
        case Fire():
            fired = Fired(envelope=envelope, subject=_there(subject), decision=decision)
            outcomes.fired.append(fired)
        case CallFirst():
            outcomes.calling.append(Calling(envelope=envelope, decision=decision))
        case _:
            outcomes.ended.append(Ended(envelope=envelope, decision=decision))


def _there(subject: Tracked | None) -> Tracked:
    if subject is None:
        raise AssertionError("nothing fires without its subject")
    return subject
