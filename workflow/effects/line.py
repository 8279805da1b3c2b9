"""Calls of one record on one channel stand in line: the next is sent when the one before is over.

Who is first is looked up for the rows at hand, by their records. As a condition of the search for
due rows it was left to the database's planner, which, with the statistics of a quieter hour,
compared each waiting row with each other one: seconds for a claim among two thousand.

A row that is found behind another is put off, so that it is not found again and again; who
finishes the one before it brings it forward. The two take the channel's lock, so that neither
misses the other; where an outcome comes another way, without that lock, the pause is the bound.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Min
from django.db.models.sql import Query

from audit.compiled import Compiled, change_of
from workflow.models import EffectEntry, EffectState

_PAUSE = timedelta(seconds=5)


def first(*, channel: str, records: Collection[UUID]) -> set[int]:
    """Return the rows that are first in line, of some records. One statement."""
    return {pk for (pk,) in _HEADS.rows(name=channel, records=list(records))}


def _heads(*, name: str, records: list[UUID]) -> Query:
    lines = EffectEntry.objects.unfinished().filter(channel=name, record__in=records)
    heads = lines.order_by().values("record").annotate(head=Min("pk"))
    return heads.values_list("head").query


_HEADS = Compiled(_heads)


def put_off(*, rows: Collection[int], now: datetime) -> None:
    """Let rows wait that stand behind others. Call while holding the channel."""
    if rows:
        EffectEntry.objects.filter(pk__in=rows, claim__isnull=True).update(due_at=now + _PAUSE)


def bring_forward(*, done: Iterable[EffectEntry], now: datetime) -> None:
    """Let those wait no longer that stood behind rows which are finished now.

    Only such as were never tried: others wait for reasons of their own. One statement a channel.
    """
    over = [entry for entry in done if entry.finished_at is not None]
    for channel in {entry.channel for entry in over}:
        records = {entry.record_id for entry in over if entry.channel == channel}
        _FORWARD.change(name=channel, records=list(records), now=now)


def _forward(*, name: str, records: list[UUID], now: datetime) -> Query:
    behind = EffectEntry.objects.unfinished().filter(
        record__in=records,
        channel=name,
        state=EffectState.WAITING,
        claim__isnull=True,
        fence=0,
        due_at__gt=now,
    )
    return change_of(behind, due_at=now)


_FORWARD = Compiled(_forward)
