"""How long it takes after a death until what was stranded is taken over, and its cluster works."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q

from workflow.engine import clock
from workflow.examples.declarations.campaign.hosts import Host
from workflow.examples.declarations.campaign.patience import insist
from workflow.examples.declarations.campaign.theatre import Theatre
from workflow.models import Attempt, EffectAttempt, EffectEntry, State, TransitionEnvelope

LIMIT = 30.0
"""Seconds within which work must have resumed after any single kill."""

IDLE_LIMIT = 15.0
"""Seconds within which it must after the death of a process that had nothing to do."""

Held = tuple[set[tuple[object, int]], set[tuple[object, int]]]


def held_by(name: Q) -> Held:
    """Return the envelopes and effects, with their fences, that workers so named hold now."""
    envelopes = TransitionEnvelope.objects.filter(name, state=State.RUNNING)
    effects = EffectEntry.objects.filter(name, claim__isnull=False)
    return (
        set(envelopes.values_list("pk", "fence")),
        set(effects.values_list("pk", "fence")),
    )


def of_host(host: Host) -> Q:
    """Return the condition on the name of a host's workers."""
    return Q(worker__startswith=host.prefix)


def of_process(host: Host, pid: int) -> Q:
    """Return the condition on the name of one worker."""
    return Q(worker__startswith=host.prefix, worker__endswith=f"/{pid}")


def recovered(
    *,
    theatre: Theatre,
    host: Host,
    whose: Q,
    held: Held,
    since: float,
    at: datetime,
    returns: bool = True,
) -> float | None:
    """Wait until nothing of what was held is so still, and the struck host has worked again.

    Args:
        held: What the dead held.
        since: Monotonic time of the death.
        at: Database's time of the death.
        returns: Whether to wait for the struck host, too; a lost one has to boot first.

    Returns:
        The seconds; None if it takes longer than twice the limit.
    """

    def is_over() -> bool:
        return insist(
            lambda: not any(_stranded(whose, held)) and (not returns or _works(host, at))
        )

    if not theatre.until(is_over, seconds=2 * LIMIT):
        return None
    return time.monotonic() - since


def _stranded(whose: Q, held: Held) -> Iterator[object]:
    envelopes, effects = held_by(whose)
    yield from envelopes & held[0]
    yield from effects & held[1]


def _works(host: Host, at: datetime) -> bool:
    mine = of_host(host)
    return (
        Attempt.objects.filter(mine, started_at__gt=at).exists()
        or EffectAttempt.objects.filter(mine, started_at__gt=at).exists()
    )


def now() -> datetime:
    """Return the database's time, from a database that may be away."""
    return insist(clock.now)
