"""Locking what a step is about to change: envelopes and their records, always in one order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.sql import Query

from audit.compiled import Compiled, Found
from audit.loading import columns, loaded
from workflow.models import Record, State, TransitionEnvelope


def hold(
    envelopes: QuerySet[TransitionEnvelope], *, skip_locked: bool = False
) -> list[TransitionEnvelope]:
    """Return the envelopes with their records, both locked until the transaction ends.

    Every step locks in the order of record ids, so that no two wait for each other in a circle.

    Args:
        skip_locked: Leave out, where the database can, what another transaction holds.
    """
    skip = skip_locked and connection.features.has_select_for_update_skip_locked
    locked = envelopes.select_related("record").order_by("record_id")
    return list(locked.select_for_update(skip_locked=skip))


def held(*, ids: Collection[UUID], token: UUID) -> list[TransitionEnvelope]:
    """Lock what is left of a claim, as `hold` does; under another token, its lease was lost."""
    return envelopes_of(found(ids=ids, token=token).rows())


def found(*, ids: Collection[UUID], token: UUID) -> Found:
    """Lock what is left of a claim, and return its rows for `envelopes_of`."""
    return _HELD.found(ids=list(ids), token=token)


def found_again(*, ids: Collection[UUID], token: UUID) -> Found:
    """Lock it again, and return what can have changed of it; see `can_change`."""
    return _HELD_AGAIN.found(ids=list(ids), token=token)


def can_change(held: Found) -> Found:
    """Return, of what was `found`, the part that `found_again` returns."""
    every = columns_of()
    return held.columns([every.index(name) for name in _CAN_CHANGE])


def _held(*, ids: list[UUID], token: UUID) -> Query:
    return _ours(ids, token).values_list(*columns_of()).query


def _held_again(*, ids: list[UUID], token: UUID) -> Query:
    return _ours(ids, token).values_list(*_CAN_CHANGE).query


def _ours(ids: list[UUID], token: UUID) -> QuerySet[TransitionEnvelope]:
    ours = TransitionEnvelope.objects.filter(pk__in=ids, claim=token, state=State.RUNNING)
    return ours.order_by("record_id").select_for_update()


_HELD = Compiled(_held)
_HELD_AGAIN = Compiled(_held_again)


def columns_of(path: str = "") -> list[str]:
    """Return the names of an envelope's columns and of its record's, as `envelopes_of` takes them.

    Args:
        path: How to come to the envelope, such as "envelope__".
    """
    own = [path + name for name in columns(TransitionEnvelope)]
    return own + [f"{path}record__{name}" for name in columns(Record)]


def envelopes_of(rows: Sequence[Sequence[Any]]) -> list[TransitionEnvelope]:
    """Return the envelopes with their records, of rows that have all `columns_of` them."""
    own = len(columns(TransitionEnvelope))
    envelopes = loaded(TransitionEnvelope, [row[:own] for row in rows])
    records = loaded(Record, [row[own:] for row in rows])
    for envelope, record in zip(envelopes, records, strict=True):
        _RECORD.set_cached_value(envelope, record)
    return envelopes


_RECORD: Any = TransitionEnvelope._meta.get_field("record")
"""By this a record is put beside its envelope; to assign it would also look at whether it fits."""


_CHANGING = (
    *("state", "due_at", "fence", "claim", "worker", "claimed_at", "attempts", "crashes"),
    *("called", "closing_as", "code", "message", "resulting_version", "finished_at"),
)
"""Fields of an envelope that are not fixed when it is made."""

_OF_RECORD = ("record__status", "record__version", "record__reference")

_CAN_CHANGE = ("transition_id", *_CHANGING, *_OF_RECORD)
"""The same with its record's, by which a change of anything else of that shows."""


def hold_again(envelopes: Iterable[TransitionEnvelope]) -> dict[UUID, TransitionEnvelope]:
    """Lock envelopes that were loaded before, with their records, and bring both up to date.

    Only what can have changed is read. Locks as `hold` does.

    Returns:
        One instance of each, under its id.
    """
    known = {envelope.pk: envelope for envelope in envelopes}
    for pk, status, version, *values in _AGAIN.rows(ids=list(known)):
        vars(known[pk]).update(zip(_CHANGING, values, strict=True))
        vars(known[pk].record).update(status=status, version=version)
    return known


def _again(*, ids: list[UUID]) -> Query:
    locked = TransitionEnvelope.objects.filter(pk__in=ids).order_by("record_id")
    names = ("pk", "record__status", "record__version", *_CHANGING)
    return locked.select_for_update().values_list(*names).query


_AGAIN = Compiled(_again)
