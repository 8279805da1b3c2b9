"""Why an envelope stands still: its one cause, and what happens next by itself, and when."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflow.definition import registry
from workflow.engine.backoff import policy
from workflow.models import Cluster, State, TransitionEnvelope
from workflow.queries.counting import Count, count
from workflow.queries.moments import at_and_in, clock_time, relative

SILENT_AFTER = timedelta(seconds=20)
"""A cluster signs every five seconds; one that has not for so long is not counted as alive."""

_PATIENCE = timedelta(seconds=1)
"""Work that is due and younger than this is not late."""


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


@dataclass(frozen=True, kw_only=True)
class World:
    """What an envelope's progress depends on besides itself; read once for any number of them."""

    workers: int = 0
    clusters: tuple[str, ...] = ()
    """Names of those that have signed lately."""

    last_seen_at: datetime | None = None
    waiting: Count = field(default_factory=lambda: Count(number=0))
    """How many are due."""


@dataclass(frozen=True, kw_only=True)
class Stall:
    """The diagnosis of one envelope."""

    cause: Why
    sentence: str
    next_act: str = ""
    """What happens by itself, or what a person has to do."""

    next_at: datetime | None = None
    """When it happens by itself; None: nothing does."""

    @property
    def needs_person(self) -> bool:
        """Whether it stays as it is until somebody does something."""
        return self.cause in (Why.PARKED, Why.NO_WORKER, Why.NO_RELEASE)


def world(*, now: datetime) -> World:
    """Return what diagnoses need, in two statements."""
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
        waiting=count(TransitionEnvelope.objects.ready(now=now), at_most=1000),
    )


def diagnose(*, envelope: TransitionEnvelope, world: World, now: datetime) -> Stall:
    """Return the one cause for which an envelope is not further, and the next act."""
    match envelope.state:
        case State.SCHEDULED:
            return _scheduled(envelope, world, now)
        case State.WAITING:
            return _waiting(envelope, world, now)
        case State.RUNNING:
            return _running(envelope, world, now)
        case State.PARKED:
            return _parked(envelope)
        case _:
            return Stall(cause=Why.FINISHED, sentence=_("It is finished; nothing follows."))


def _scheduled(envelope: TransitionEnvelope, world: World, now: datetime) -> Stall:
    due = envelope.due_at or now
    if due <= now and not world.workers:
        return _no_worker(world, now)
    return Stall(
        cause=Why.SCHEDULED,
        sentence=_("Asked for at a later time: %(when)s.") % {"when": at_and_in(due, now=now)},
        next_act=_("Begins by itself."),
        next_at=due,
    )


def _waiting(envelope: TransitionEnvelope, world: World, now: datetime) -> Stall:
    due = envelope.due_at or now
    if envelope.definition_version not in registry.versions().get(envelope.workflow, ()):
        return Stall(
            cause=Why.NO_RELEASE,
            sentence=_("It is pinned to %(key)s, which this release does not have.")
            % {"key": f"{envelope.workflow}/{envelope.definition_version}"},
            next_act=_("A worker of a release that has this version takes it up."),
        )
    if due > now:
        return _backing_off(envelope, due, now)
    if not world.workers:
        return _no_worker(world, now)
    if now - due < _PATIENCE:
        return Stall(
            cause=Why.STARTING,
            sentence=_("Due since this moment; a worker is taking it up."),
            next_act=_("A worker begins."),
            next_at=now,
        )
    before = count(
        TransitionEnvelope.objects.ready(now=now).filter(
            Q(priority__lt=envelope.priority) | Q(priority=envelope.priority, due_at__lt=due)
        ),
        at_most=1000,
    )
    workers = ngettext("%(n)d worker", "%(n)d workers", world.workers) % {"n": world.workers}
    return Stall(
        cause=Why.BUSY_WORKERS,
        sentence=_("Due since %(since)s; %(before)s are before it, and %(workers)s are at work.")
        % {"since": relative(due, now=now), "before": before, "workers": workers},
        next_act=_("A worker begins as soon as one is free."),
        next_at=now,
    )


def _backing_off(envelope: TransitionEnvelope, due: datetime, now: datetime) -> Stall:
    most = policy(envelope).attempts
    return Stall(
        cause=Why.BACKING_OFF,
        sentence=_("Attempt %(n)d of %(most)d ended without an outcome: %(why)s")
        % {"n": envelope.attempts, "most": most, "why": envelope.message or envelope.code},
        next_act=_("Tried again by itself at %(when)s.") % {"when": at_and_in(due, now=now)},
        next_at=due,
    )


def _no_worker(world: World, now: datetime) -> Stall:
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


def _running(envelope: TransitionEnvelope, world: World, now: datetime) -> Stall:
    lease = envelope.due_at or now
    since = relative(envelope.claimed_at or now, now=now)
    if lease <= now:
        act = _("The next free worker takes it back and tries again.")
        if not world.workers:
            act = _("Start workers (manage.py work); they take it back at once.")
        return Stall(
            cause=Why.LEASE_LOST,
            sentence=_("Its worker %(worker)s began %(since)s and stopped renewing its lease.")
            % {"worker": envelope.worker, "since": since},
            next_act=act,
            next_at=lease if world.workers else None,
        )
    sentence = _("Worker %(worker)s began %(since)s.")
    if envelope.worker.partition("/")[0] not in world.clusters:
        sentence = _("Worker %(worker)s began %(since)s; its cluster has not signed lately.")
    return Stall(
        cause=Why.RUNNING,
        sentence=sentence % {"worker": envelope.worker, "since": since},
        next_act=_("If the worker is dead, another takes it over at %(when)s.")
        % {"when": clock_time(lease, now=now)},
        next_at=lease,
    )


def _parked(envelope: TransitionEnvelope) -> Stall:
    return Stall(
        cause=Why.PARKED,
        sentence=_("Parked after %(n)s: %(why)s")
        % {
            "n": ngettext("%(n)d attempt", "%(n)d attempts", envelope.attempts)
            % {"n": envelope.attempts},
            "why": envelope.message or envelope.code,
        },
        next_act=_("Nothing happens by itself: retry it under the same id, or cancel it."),
    )
