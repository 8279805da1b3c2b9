"""Taking up effects: the intent of a call, durable before the call.

A claim turns rows from *waiting* to *sending* under a token, a raised fence and a lease, and says
until when the intent may be acted on. It is made channel by channel, with the channel's row
locked, so that limits hold over all workers. Rows that are to be asked about (look-ups, polls) are
claimed in the same way and keep their state: asking changes nothing downstream.

Locks: a claim locks the channel first and then rows that nobody holds; a recorder of outcomes
locks rows that are held first and then the channel. They never want the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import IsNull
from django.db.models.sql import Query

from audit.compiled import Compiled, change_of
from audit.loading import columns, loaded
from workflow import definition
from workflow.definition import registry
from workflow.effects import channels, door, line
from workflow.engine import claim as envelopes
from workflow.engine import hold
from workflow.engine.boundary import Boundary, reach
from workflow.engine.limits import limits
from workflow.models import (
    Channel,
    Doubt,
    EffectEntry,
    EffectState,
    Priority,
    uuid7,
)
from workflow.models.effect_entry import EffectQuerySet

_MORE = 50
"""Rows that are looked at beyond what there is room for: some may stand in line."""

_ALONE = (Doubt.ASK, EffectState.WAITING)


def is_due(*, now: datetime) -> bool:
    """Return whether a worker would find anything to do. One statement, no locks."""
    return bool(_IS_DUE.rows(registry.fixed_versions(), now=now))


def _anything(versions: envelopes.Versions, *, now: datetime) -> Query:
    expired = known(EffectEntry.objects.expired(now=now), versions).order_by().values("fence")
    due = _due(versions, now=now).order_by().values("failures")
    work = envelopes.first_due(versions=versions, now=now)
    first, *others = (each.values("fence") for each in work)
    # No `exists()`: it takes away the order in which they are looked up.
    anything: Query = first.union(*others, due, expired, all=True)[:1].query
    return anything


_IS_DUE = Compiled(_anything)


def _due(versions: envelopes.Versions, *, now: datetime) -> QuerySet[Channel]:
    """Return the channels that are open and have something to do.

    Asked channel by channel and in the order of the index, each answer takes one step into it,
    however much waits there, for its turn, for a later time or behind a closed door. As a
    condition that something exists, the planner joined all that waits instead, where statistics
    of a quieter hour said that nothing does.
    """
    ready = known(EffectEntry.objects.ready(now=now), versions).filter(channel=OuterRef("pk"))
    waits = Q()
    for priority in Priority.values:
        some = ready.filter(priority=priority).order_by("due_at")
        waits |= Q(IsNull(Subquery(some.values("pk")[:1]), False))  # noqa: FBT003  (Django's)
    return Channel.objects.filter(Q(opens_at__isnull=True) | Q(opens_at__lte=now), waits)


def known(effects: EffectQuerySet, versions: envelopes.Versions) -> EffectQuerySet:
    """Keep those of these definition versions; others are left to a release that has theirs."""
    found = Q()
    for workflow, numbers in versions:
        found |= Q(envelope__workflow=workflow, envelope__definition_version__in=numbers)
    return effects.filter(found) if found else effects.none()


def due_channels(*, now: datetime) -> list[str]:
    """Return the names of the channels on which something is due, doors permitting."""
    return [str(name) for (name,) in _DUE.rows(registry.fixed_versions(), now=now)]


def _channels(versions: envelopes.Versions, *, now: datetime) -> Query:
    return _due(versions, now=now).order_by().values_list("pk").query


_DUE = Compiled(_channels)


def claim(
    *, worker: str, channel: str, room: int, takes_ask: bool, now: datetime
) -> list[EffectEntry]:
    """Claim due effects of one channel, the more urgent and older first.

    Args:
        room: The most that the worker can take.
        takes_ask: Whether one that only a person could bring out of doubt may be among them. It
            is then the only one, so that a death of the worker puts no other in doubt.

    Returns:
        The claimed rows with their envelopes and records. Their intents are durable: if the worker
        dies now, they count as possibly sent.
    """
    declared = registry.channels().get(channel) or definition.Channel(name=channel)
    token = uuid7()
    with transaction.atomic():
        row = channels.hold(channel)
        if row is None:
            return []
        before = copy(vars(row))
        allowance = door.look(
            row=row,
            declared=declared,
            busy=channels.busy(channel),
            pause=channels.pause(channel, now=now),
            now=now,
        )
        chosen = _choose(channel, min(room, allowance.calls), now, takes_ask=takes_ask)
        taken = _take(chosen, token, worker, now)
        door.pass_through(row=row, declared=declared, calls=taken, now=now)
        row.opens_at = allowance.opens_at
        row.closed_by = allowance.closed_by or ""
        if vars(row) != before:
            row.save(update_fields=["tokens", "tokens_at", "opens_at", "closed_by"])
        reach(Boundary.INTENT_WRITTEN)
    reach(Boundary.INTENT_COMMITTED)
    return _entries(_TAKEN.rows(chosen=chosen, token=token)) if taken else []


def _taken(*, chosen: list[int], token: UUID) -> Query:
    rows = EffectEntry.objects.filter(pk__in=chosen, claim=token).order_by("pk")
    return rows.values_list(*columns(EffectEntry), *hold.columns_of("envelope__")).query


_TAKEN = Compiled(_taken)


def _entries(rows: Sequence[tuple[Any, ...]]) -> list[EffectEntry]:
    own = len(columns(EffectEntry))
    entries = loaded(EffectEntry, [row[:own] for row in rows])
    theirs = hold.envelopes_of([row[own:] for row in rows])
    for entry, envelope in zip(entries, theirs, strict=True):
        entry.envelope = envelope
    return entries


def _choose(channel: str, most: int, now: datetime, *, takes_ask: bool) -> list[int]:
    if most <= 0:
        return []
    shape = (registry.fixed_versions(), int(not takes_ask), limits().calls + _MORE)
    while rows := _READY.rows(*shape, now=now, name=channel):
        first = line.first(channel=channel, records={record for _, record, *_ in rows})
        line.put_off(rows=[pk for pk, *_ in rows if pk not in first], now=now)
        chosen = [(pk, tuple(about)) for pk, _, *about in rows if pk in first]
        if chosen and chosen[0][1] == _ALONE:
            return [chosen[0][0]]
        if chosen:
            return [pk for pk, about in chosen if about != _ALONE][:most]
    return []


def _ready(
    versions: envelopes.Versions, leaves_ask: int, limit: int, *, now: datetime, name: str
) -> Query:
    ready = known(EffectEntry.objects.ready(now=now), versions).filter(channel=name)
    if leaves_ask:
        ready = ready.exclude(recovery=Doubt.ASK, state=EffectState.WAITING)
    # As the index has them: sorted by more, all that waits would be read for each claim.
    ready = ready.order_by("priority", "due_at")
    return ready.values_list("pk", "record", "recovery", "state")[:limit].query


_READY = Compiled(_ready)


def _take(chosen: list[int], token: UUID, worker: str, now: datetime) -> int:
    if not chosen:
        return 0
    taken = _SEND.change(
        chosen=chosen,
        token=token,
        worker=worker,
        now=now,
        until=now + limits().lease,
        window=now + limits().send_window,
    )
    if taken < len(chosen):
        free = EffectEntry.objects.filter(pk__in=chosen, claim__isnull=True, due_at__lte=now)
        taken += free.filter(state__in=(EffectState.CHECKING, EffectState.PENDING)).update(
            claim=token,
            fence=F("fence") + 1,
            worker=worker,
            claimed_at=now,
            due_at=now + limits().lease,
        )
    return taken


def _send(
    *,
    chosen: list[int],
    token: UUID,
    worker: str,
    now: datetime,
    until: datetime,
    window: datetime,
) -> Query:
    free = EffectEntry.objects.filter(pk__in=chosen, claim__isnull=True, due_at__lte=now)
    return change_of(
        free.filter(state=EffectState.WAITING),
        state=EffectState.SENDING,
        claim=token,
        fence=F("fence") + 1,
        worker=worker,
        claimed_at=now,
        due_at=until,
        send_until=window,
    )


_SEND = Compiled(_send)


def renew(*, token: UUID, heard: dict[int, tuple[float, str]], now: datetime) -> None:
    """Write signs of life of long calls, and extend their leases; rows not ours stay as is."""
    for pk, (fraction, note) in heard.items():
        EffectEntry.objects.filter(pk=pk, claim=token).update(
            fraction=fraction,
            progress_note=note[:200],
            heard_at=now,
            due_at=now + limits().lease,
        )
