"""Why an envelope stands still: its one cause, and what happens next by itself, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflow.definition import registry
from workflow.engine.backoff import policy
from workflow.models import EffectEntry, Phase, Scope, State, TransitionEnvelope
from workflow.queries.counting import count
from workflow.queries.effect_stall import diagnose_effect
from workflow.queries.moments import at_and_in, clock_time, relative
from workflow.queries.wording import ended, told
from workflow.queries.world import Stall, Why, World, no_worker

_PATIENCE = timedelta(seconds=1)
"""Work that is due and younger than this is not late."""


def diagnose(
    *,
    envelope: TransitionEnvelope,
    effects: Sequence[EffectEntry] = (),
    world: World,
    now: datetime,
) -> Stall:
    """Return the one cause for which an envelope is not further, and the next act.

    Args:
        effects: Its downstream calls, at least the unfinished ones.
    """
    current = next(
        (each for each in effects if each.phase != Phase.AFTER and not each.is_final), None
    )
    if current is not None and envelope.state in (State.CALLING, State.PARKED, State.UNDOING):
        return diagnose_effect(entry=current, world=world, now=now)
    if envelope.state == State.PARKED:
        return _parked(envelope)
    steps = {
        State.SCHEDULED: _scheduled,
        State.WAITING: _waiting,
        State.RUNNING: _running,
        State.CALLING: _between_calls,
        State.UNDOING: _between_calls,
    }
    step = steps.get(State(envelope.state))
    if step is None:
        return Stall(cause=Why.FINISHED, sentence=_("It is finished; nothing follows."))
    return step(envelope, world, now)


def _scheduled(envelope: TransitionEnvelope, world: World, now: datetime) -> Stall:
    due = envelope.due_at or now
    if due <= now and not world.workers:
        return no_worker(world, now)
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
    pause = world.pause_of(Scope.TRANSITION, f"{envelope.workflow}.{envelope.transition}")
    pause = pause or world.pause_of(Scope.WORKFLOW, envelope.workflow)
    if pause is not None:
        return Stall(
            cause=Why.PAUSED,
            sentence=_("%(what)s is paused: %(reason)s")
            % {"what": pause.name, "reason": pause.reason},
            next_act=_("Goes on by itself at %(when)s.")
            % {"when": at_and_in(pause.until, now=now)}
            if pause.until
            else _("Goes on when a person lifts the pause."),
            next_at=pause.until,
        )
    if due > now:
        return _backing_off(envelope, due, now)
    if not world.workers:
        return no_worker(world, now)
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


def _why(envelope: TransitionEnvelope) -> str:
    return ended(told(envelope.message) or envelope.code)


def _backing_off(envelope: TransitionEnvelope, due: datetime, now: datetime) -> Stall:
    most = policy(envelope).attempts
    return Stall(
        cause=Why.BACKING_OFF,
        sentence=_("Attempt %(n)d of %(most)d ended without an outcome: %(why)s")
        % {"n": envelope.attempts, "most": most, "why": _why(envelope)},
        next_act=_("Tried again by itself at %(when)s.") % {"when": at_and_in(due, now=now)},
        next_at=due,
        detail=_why(envelope),
    )


def _between_calls(envelope: TransitionEnvelope, world: World, now: datetime) -> Stall:
    """Return how one stands whose next call, or whose end, a worker is about to see to."""
    if not world.workers:
        return no_worker(world, now)
    if envelope.state == State.UNDOING:
        return Stall(
            cause=Why.UNDOING,
            sentence=_("What was done downstream is being taken back."),
            next_act=_("Then it ends as %(state)s.") % {"state": envelope.closing_as},
            next_at=now,
        )
    return Stall(
        cause=Why.STARTING,
        sentence=_("Its calls are done; a worker is taking it up."),
        next_act=_("A worker goes on."),
        next_at=now,
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
            "why": _why(envelope),
        },
        next_act=_("Nothing happens by itself: retry it under the same id, or cancel it."),
        detail=_why(envelope),
    )
