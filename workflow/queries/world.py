"""What the progress of envelopes and calls depends on besides themselves, and how it is told."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from workflow.models import Channel, Cluster, Pause, TransitionEnvelope
from workflow.queries.counting import Count, count
from workflow.queries.moments import relative

SILENT_AFTER = timedelta(seconds=20)
"""A cluster signs every five seconds; one that has not for so long is not counted as alive."""


class Why(enum.Enum):
    """Why nothing is happening to an envelope at the moment."""

    FINISHED = "finished"
    SCHEDULED = "scheduled"
    BACKING_OFF = "backing_off"
    STARTING = "starting"
    NO_WORKER = "no_worker"
    BUSY_WORKERS = "busy_workers"
    NO_RELEASE = "no_release"
    RUNNING = "running"
    LEASE_LOST = "lease_lost"
    PARKED = "parked"
    PAUSED = "paused"
    CALLING = "calling"
    CHANNEL = "channel"
    CHECKING = "checking"
    PENDING = "pending"
    IN_DOUBT = "in_doubt"
    EFFECT_PARKED = "effect_parked"
    UNDOING = "undoing"


@dataclass(frozen=True, kw_only=True)
class World:
    """What an envelope's progress depends on besides itself; read once for any number of them."""

    workers: int = 0
    clusters: tuple[str, ...] = ()
    """Names of those that have signed lately."""

    last_seen_at: datetime | None = None
    waiting: Count = field(default_factory=lambda: Count(number=0))
    """How many are due."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    pauses: tuple[Pause, ...] = ()
    """Those in force."""

    def pause_of(self, scope: str, name: str) -> Pause | None:
        """Return the pause of one thing; None if it is not paused."""
        return next(
            (each for each in self.pauses if (each.scope, each.name) == (scope, name)), None
        )


@dataclass(frozen=True, kw_only=True)
class Stall:
    """The diagnosis of one envelope."""

    cause: Why
    sentence: str
    next_act: str = ""
    """What happens by itself, or what a person has to do."""

    next_at: datetime | None = None
    """When it happens by itself; None: nothing does."""

    detail: str = ""
    """What the other system or the code said, where the sentence ends with it."""

    @property
    def needs_person(self) -> bool:
        """Whether it stays as it is until somebody does something."""
        return self.cause in (
            Why.PARKED,
            Why.NO_WORKER,
            Why.NO_RELEASE,
            Why.IN_DOUBT,
            Why.EFFECT_PARKED,
        )


def world(*, now: datetime) -> World:
    """Return what diagnoses need, in four statements."""
    signed = list(
        Cluster.objects.filter(stopped_at__isnull=True)
        .order_by("-seen_at")
        .values_list("name", "workers", "seen_at")[:100]
    )
    alive = [(name, workers) for name, workers, at in signed if at > now - SILENT_AFTER]
    return World(
        workers=sum(workers for _, workers in alive),
        clusters=tuple(name for name, _ in alive),
        last_seen_at=signed[0][2] if signed else None,
        channels=Channel.objects.in_bulk(),
        pauses=tuple(Pause.objects.in_force(now=now).select_related("paused_by")),
        waiting=count(TransitionEnvelope.objects.ready(now=now), at_most=1000),
    )


def no_worker(world: World, now: datetime) -> Stall:
    """Return the diagnosis of what is due while nobody is there to do it."""
    seen = (
        _("The last one signed %(when)s.") % {"when": relative(world.last_seen_at, now=now)}
        if world.last_seen_at
        else _("None has ever signed.")
    )
    return Stall(
        cause=Why.NO_WORKER,
        sentence=_("It is due, and no worker is alive. %(seen)s") % {"seen": seen},
        next_act=_("Start workers (manage.py work); it begins at once then."),
    )
