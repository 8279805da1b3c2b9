"""The course of an effect: what becomes of its ledger row after each answer. No I/O.

One rule stands above all: a row that may have happened (`is_doubtful`) is never sent again unless
its downstream honours the key (`Resend`) or has said that it does not know it (`Lookup`), and it
never counts as not having happened.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from workflow.definition import (
    Absent,
    Declined,
    Done,
    Lookup,
    Pending,
    Postponed,
    Rejected,
    Unknown,
)
from workflow.effects.answer import Again, Answer, Died, GivenUp, Unsent
from workflow.effects.declared import Declared
from workflow.engine.backoff import next_try
from workflow.engine.trail import Action
from workflow.models import Doubt, EffectEntry, EffectState, Kind, Phase


def advance(*, entry: EffectEntry, declared: Declared, answer: Answer, now: datetime) -> Action:
    """Change the row according to the answer and return how that reads in the trail.

    The row is not saved. Call while holding it, and under its current fence.
    """
    entry.claim = None
    entry.code = getattr(answer.what, "code", "")[:64]
    entry.message = getattr(answer.what, "reason", "")
    match answer.what:
        case Done() | Pending() | Declined() | Rejected():
            return _answered(entry, declared, answer.what, now)
        case Postponed() | Unknown() | Died():
            return _troubled(entry, declared, answer, now)
        case Absent():
            return _absent(entry, answer, now)
        case Unsent():
            return _go_on(entry, now, Action.EFFECT_UNSENT)
        case Again():
            return _again(entry, now)
        case GivenUp():
            return _finish(entry, EffectState.ABANDONED, now)


def _answered(
    entry: EffectEntry,
    declared: Declared,
    what: Done | Pending | Declined | Rejected,
    now: datetime,
) -> Action:
    match what:
        case Done(receipt=receipt):
            entry.receipt = dict(receipt)
            entry.is_doubtful = False
            return _finish(entry, EffectState.DONE, now)
        case Pending(receipt=receipt):
            return _wait(entry, declared, dict(receipt), now)
        case Declined():
            return _decline(entry, now)
        case Rejected():
            return _stop(entry)


def _troubled(entry: EffectEntry, declared: Declared, answer: Answer, now: datetime) -> Action:
    """Take what is no answer: a call that failed or is in doubt, a question that got none."""
    what = answer.what
    entry.crashes += isinstance(what, Died)
    retry_after = what.retry_after if isinstance(what, Postponed) else None
    match entry.state:
        case EffectState.CHECKING:
            return _check_again(entry, declared, retry_after, now)
        case EffectState.PENDING:
            return _poll_again(entry, declared, retry_after, now)
        case _ if isinstance(what, Postponed):
            return _retry(entry, declared, retry_after, now)
        case _:
            return _doubt(entry, declared, answer, now)


def _retry(
    entry: EffectEntry, declared: Declared, at_least: timedelta | None, now: datetime
) -> Action:
    entry.attempts += 1
    due_at = next_try(retry=declared.retry, failures=entry.attempts, now=now, at_least=at_least)
    return _stop(entry) if due_at is None else _go_on(entry, due_at, Action.EFFECT_RETRIED)


def _doubt(entry: EffectEntry, declared: Declared, answer: Answer, now: datetime) -> Action:
    """Take a call that may have happened, or may yet."""
    entry.is_doubtful = True
    entry.first_sent_at = entry.first_sent_at or answer.started_at
    match entry.recovery:
        case Doubt.RESEND:
            return _retry(entry, declared, None, now)
        case Doubt.LOOKUP:
            entry.attempts += 1
            entry.checks = 0
            # A worker that died may have sent as late as its window allowed.
            sent_by = now
            if isinstance(answer.what, Died) and entry.send_until is not None:
                sent_by = entry.send_until
            return _check(entry, max(now, sent_by + _settles_after(declared)))
        case _:
            return _stop(entry)


def _check(entry: EffectEntry, due_at: datetime) -> Action:
    entry.state = EffectState.CHECKING
    entry.due_at = due_at
    return Action.EFFECT_CHECKING


def _check_again(
    entry: EffectEntry, declared: Declared, at_least: timedelta | None, now: datetime
) -> Action:
    entry.checks += 1
    due_at = next_try(retry=declared.retry, failures=entry.checks, now=now, at_least=at_least)
    return _stop(entry) if due_at is None else _check(entry, due_at)


def _absent(entry: EffectEntry, answer: Answer, now: datetime) -> Action:
    """Take the downstream's word, or a person's, that the call never arrived: it may be sent."""
    if entry.state == EffectState.PENDING and answer.kind != Kind.PERSON:
        # It was accepted, and now nobody knows of it.
        entry.is_doubtful = True
        return _stop(entry)
    entry.is_doubtful = False
    entry.first_sent_at = None
    if answer.kind == Kind.PERSON:
        entry.attempts = 0
    return _go_on(entry, now, Action.EFFECT_ABSENT)


def _wait(
    entry: EffectEntry, declared: Declared, receipt: dict[str, object], now: datetime
) -> Action:
    if declared.wait is None:
        entry.code = "no_wait"
        entry.message = "It was accepted and not finished, and its effect declares no wait."
        entry.is_doubtful = True
        return _stop(entry)
    entry.state = EffectState.PENDING
    entry.is_doubtful = True  # the downstream may finish it at any time
    entry.first_sent_at = entry.first_sent_at or now
    entry.receipt = receipt or entry.receipt
    entry.waits_until = entry.waits_until or now + declared.wait.at_most
    return _poll_again(entry, declared, None, now)


def _poll_again(
    entry: EffectEntry, declared: Declared, at_least: timedelta | None, now: datetime
) -> Action:
    until = entry.waits_until or now
    if now >= until:
        entry.code = "waited_too_long"
        entry.message = f"It was accepted and has not finished by {until.isoformat()}."
        return _stop(entry)
    polls = declared.wait is not None and declared.wait.poll is not None
    every = declared.wait.every if declared.wait is not None else timedelta(0)
    entry.due_at = min(until, now + max(every, at_least or every)) if polls else until
    return Action.EFFECT_PENDING


def _decline(entry: EffectEntry, now: datetime) -> Action:
    """Take a "no" for an answer, where nothing speaks against it.

    Only a before-effect can be declined for good: what follows from a transition, or takes it
    back, has to be done, and a person looks why it was not.
    """
    # Asked for the key, or by a key that it honours, a downstream speaks of earlier calls too.
    asked = entry.state in (EffectState.PENDING, EffectState.CHECKING)
    if asked or entry.recovery == Doubt.RESEND:
        entry.is_doubtful = False
    if entry.phase != Phase.BEFORE or entry.is_doubtful:
        return _stop(entry)
    return _finish(entry, EffectState.DECLINED, now)


def _again(entry: EffectEntry, now: datetime) -> Action:
    entry.attempts = 0
    entry.checks = 0
    if entry.is_doubtful and entry.recovery == Doubt.LOOKUP:
        _check(entry, now)
    else:
        _go_on(entry, now, Action.EFFECT_RESUMED)
    return Action.EFFECT_RESUMED


def _go_on(entry: EffectEntry, due_at: datetime, action: Action) -> Action:
    entry.state = EffectState.WAITING
    entry.due_at = due_at
    return action


def _stop(entry: EffectEntry) -> Action:
    """Leave it to a person; in doubt, if it may have happened."""
    entry.due_at = None
    if entry.is_doubtful:
        entry.state = EffectState.IN_DOUBT
        return Action.EFFECT_IN_DOUBT
    entry.state = EffectState.PARKED
    return Action.EFFECT_PARKED


def _finish(entry: EffectEntry, state: EffectState, now: datetime) -> Action:
    entry.state = state
    entry.due_at = None
    entry.finished_at = now
    match state:
        case EffectState.DONE:
            return Action.EFFECT_DONE
        case EffectState.DECLINED:
            return Action.EFFECT_DECLINED
        case _:
            return Action.EFFECT_ABANDONED


def _settles_after(declared: Declared) -> timedelta:
    if isinstance(declared.recovery, Lookup):
        return declared.recovery.settles_after
    return timedelta(0)
