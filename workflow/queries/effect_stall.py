"""Why a downstream call stands still, and what happens next by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from workflow.definition import registry
from workflow.models import Closed, EffectEntry, EffectState
from workflow.queries import names
from workflow.queries.moments import at_and_in, clock_time, duration, relative
from workflow.queries.wording import ended, told
from workflow.queries.world import Stall, Why, World, no_worker

_LATE = timedelta(seconds=1)


def diagnose_effect(*, entry: EffectEntry, world: World, now: datetime) -> Stall:
    """Return the one cause for which a call is not further, and the next act."""
    if entry.claim is not None and not entry.is_final:
        return _under_way(entry, world, now)
    match entry.state:
        case EffectState.WAITING:
            return _waiting(entry, world, now)
        case EffectState.CHECKING:
            return _checking(entry, now)
        case EffectState.PENDING:
            return _pending(entry, now)
        case _:
            return _still(entry)


def _still(entry: EffectEntry) -> Stall:
    """Return the diagnosis of a call to which nothing happens by itself."""
    if entry.state == EffectState.IN_DOUBT:
        return _in_doubt(entry)
    if entry.state == EffectState.PARKED:
        return _parked(entry)
    return Stall(cause=Why.FINISHED, sentence=_("It is finished; nothing follows."))


def label(entry: EffectEntry) -> str:
    """Return what a call is called."""
    return names.call(entry.name)


def _facts(entry: EffectEntry) -> dict[str, str | int]:
    return {
        "effect": label(entry),
        "channel": entry.channel,
        "why": _why(entry),
        "n": entry.attempts,
    }


def _why(entry: EffectEntry) -> str:
    return ended(told(entry.message) or entry.code)


def _under_way(entry: EffectEntry, world: World, now: datetime) -> Stall:
    lease = entry.due_at or now
    facts = {**_facts(entry), "since": relative(entry.claimed_at or now, now=now)}
    if lease <= now:
        return Stall(
            cause=Why.LEASE_LOST,
            sentence=_("The worker that called %(channel)s (%(effect)s) is gone.") % facts,
            next_act=_("The next free worker finds out how far it came."),
            next_at=lease if world.workers else None,
        )
    sentence = _("Calling %(channel)s (%(effect)s) since %(since)s.") % facts
    if entry.fraction is not None:
        sentence += " " + _("%(percent)d %% done %(note)s") % {
            "percent": round(entry.fraction * 100),
            "note": entry.progress_note,
        }
    return Stall(
        cause=Why.CALLING,
        sentence=sentence,
        next_act=_("If the worker dies, another takes it over at %(when)s.")
        % {"when": clock_time(lease, now=now)},
        next_at=lease,
    )


def _waiting(entry: EffectEntry, world: World, now: datetime) -> Stall:
    due = entry.due_at or now
    closed = _behind_door(entry, world, now)
    if closed is not None:
        return closed
    if due > now:
        return Stall(
            cause=Why.BACKING_OFF,
            sentence=_("Call “%(effect)s” to %(channel)s failed %(n)d times: %(why)s")
            % _facts(entry),
            next_act=_("Tried again by itself at %(when)s.") % {"when": at_and_in(due, now=now)},
            next_at=due,
            detail=_why(entry),
        )
    if not world.workers:
        return no_worker(world, now)
    if now - due < _LATE:
        return Stall(
            cause=Why.STARTING,
            sentence=_("About to call %(channel)s (%(effect)s).") % _facts(entry),
            next_act=_("A worker calls."),
            next_at=now,
        )
    return Stall(
        cause=Why.BUSY_WORKERS,
        sentence=_("Call “%(effect)s” to %(channel)s is due since %(since)s.")
        % {**_facts(entry), "since": relative(due, now=now)},
        next_act=_("It goes out after earlier calls of this record, once a worker is free."),
        next_at=now,
    )


def _behind_door(entry: EffectEntry, world: World, now: datetime) -> Stall | None:
    """Return what a closed channel says; None while it is open."""
    row = world.channels.get(entry.channel)
    if row is None or row.opens_at is None or row.opens_at <= now:
        return None
    facts = {
        **_facts(entry),
        "until": at_and_in(row.opens_at, now=now),
        "last": ended(row.last_failure),
    }
    match row.closed_by:
        case Closed.PAUSED:
            pause = world.pause_of("channel", entry.channel)
            return Stall(
                cause=Why.PAUSED,
                sentence=_("Channel %(channel)s is paused: %(reason)s")
                % {**facts, "reason": "" if pause is None else pause.reason},
                next_act=_("Goes on by itself at %(until)s.") % facts
                if pause is not None and pause.until
                else _("Goes on when a person resumes the channel."),
                next_at=pause.until if pause is not None else None,
            )
        case Closed.CIRCUIT | Closed.PROBE:
            return Stall(
                cause=Why.CHANNEL,
                sentence=_("%(channel)s keeps failing, so calls are held back: %(last)s") % facts,
                next_act=_("One call probes it at %(until)s.") % facts,
                next_at=row.opens_at,
                detail=ended(row.last_failure),
            )
        case _:
            return Stall(
                cause=Why.CHANNEL,
                sentence=_("%(channel)s takes no more calls at the moment; this one waits.")
                % facts,
                next_act=_("Goes out from %(until)s.") % facts,
                next_at=row.opens_at,
            )


def _checking(entry: EffectEntry, now: datetime) -> Stall:
    due = entry.due_at or now
    return Stall(
        cause=Why.CHECKING,
        sentence=_("Call “%(effect)s” to %(channel)s may have happened: %(why)s") % _facts(entry),
        next_act=_("%(channel)s is asked at %(when)s whether it has it.")
        % {**_facts(entry), "when": at_and_in(due, now=now)},
        next_at=due,
        detail=_why(entry),
    )


def _pending(entry: EffectEntry, now: datetime) -> Stall:
    until = entry.waits_until
    act = _("A call-back ends it.")
    effect = registry.channels().get(entry.channel)
    if entry.due_at is not None and (until is None or entry.due_at < until) and effect:
        act = _("It is asked again at %(when)s, unless a call-back comes first.") % {
            "when": at_and_in(entry.due_at, now=now)
        }
    if until is not None:
        act += " " + _("A person looks if nothing came by %(until)s.") % {
            "until": at_and_in(until, now=now)
        }
    since = duration(now - (entry.first_sent_at or entry.planned_at))
    return Stall(
        cause=Why.PENDING,
        sentence=_("%(channel)s accepted “%(effect)s” and has worked on it for %(since)s.")
        % {**_facts(entry), "since": since},
        next_act=act,
        next_at=entry.due_at,
    )


def _in_doubt(entry: EffectEntry) -> Stall:
    return Stall(
        cause=Why.IN_DOUBT,
        sentence=_("Call “%(effect)s” to %(channel)s is in doubt: it may have happened. %(why)s")
        % _facts(entry),
        next_act=_("Nothing happens by itself: find out at %(channel)s, and settle it.")
        % _facts(entry),
        detail=_why(entry),
    )


def _parked(entry: EffectEntry) -> Stall:
    return Stall(
        cause=Why.EFFECT_PARKED,
        sentence=_("Call “%(effect)s” to %(channel)s has not happened: %(why)s") % _facts(entry),
        next_act=_("Nothing happens by itself: send it again, or give it up."),
        detail=_why(entry),
    )
