"""The rows of channels, one for each that is declared, and what bears upon them."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, Min
from django.db.models.sql import Query

from audit.compiled import Compiled
from audit.loading import columns, loaded
from workflow.definition import registry
from workflow.effects.door import Busy
from workflow.models import Channel, EffectEntry, Pause, Scope


def ensure(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Have a row for every declared channel. Safe to repeat, and under concurrency.

    After a migration, and before anybody works: a channel without a row is not asked for.
    """
    declared = set(registry.channels())
    rows = Channel.objects.using(using)
    for name in sorted(declared.difference(rows.values_list("pk", flat=True))):
        rows.get_or_create(pk=name)


def hold(name: str) -> Channel | None:
    """Return a channel's row, locked until the transaction ends; None if there is none."""
    found = loaded(Channel, _DOOR.rows(name=name))
    return found[0] if found else None


def _door(*, name: str) -> Query:
    return Channel.objects.filter(pk=name).select_for_update().values_list(*columns(Channel)).query


_DOOR = Compiled(_door)


def busy(name: str) -> Busy:
    """Return how many calls of a channel are under way; hold it to have that stay."""
    for calls, until in _BUSY.rows(name=name):
        return Busy(calls=calls, until=until)
    return Busy(calls=0, until=None)


def _under_way(*, name: str) -> Query:
    # By the leases, of which there are as many as calls under way; what is finished has none.
    # Asked for what is unfinished as well, a planner reads all that waits for the channel.
    calls = EffectEntry.objects.filter(channel=name, claim__isnull=False, due_at__gt=_BEFORE_ALL)
    counted = calls.order_by().values("channel").annotate(calls=Count("pk"), until=Min("due_at"))
    return counted.values_list("calls", "until").query


_BUSY = Compiled(_under_way)
_BEFORE_ALL = datetime(2000, 1, 1, tzinfo=UTC)


def pause(name: str, *, now: datetime) -> Pause | None:
    """Return what holds a channel up by somebody's wish."""
    found = loaded(Pause, _PAUSES.rows(name=name, now=now))
    return found[0] if found else None


def _pauses(*, name: str, now: datetime) -> Query:
    found = Pause.objects.in_force(now=now).filter(scope=Scope.CHANNEL, name=name)
    return found.values_list(*columns(Pause)).query


_PAUSES = Compiled(_pauses)
