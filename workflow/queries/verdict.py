"""How a record or an envelope stands, in one sentence that can be read in five seconds."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from workflow.definition import UnknownDefinition, registry
from workflow.models import EffectEntry, Phase, Record, State, TransitionEnvelope
from workflow.queries import names
from workflow.queries.effect_stall import diagnose_effect
from workflow.queries.moments import at_and_in, duration, relative
from workflow.queries.stall import diagnose
from workflow.queries.wording import ended, told
from workflow.queries.world import Stall, Why, World


class Tone(enum.StrEnum):
    """What the reader has to feel."""

    GOOD = "good"
    """Done, or as it should be."""

    CALM = "calm"
    """Waiting for somebody, in order."""

    BUSY = "busy"
    """Happening by itself right now."""

    WARN = "warn"
    """Delayed; it will go on by itself."""

    BAD = "bad"
    """Somebody has to do something."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One sentence, and what follows."""

    tone: Tone
    sentence: str
    next_act: str = ""
    stall: Stall | None = None

    @property
    def head(self) -> str:
        """The sentence without what the other system or the code said at its end."""
        if not self.detail:
            return self.sentence
        return ended(self.sentence.removesuffix(self.detail).rstrip(" :"))

    @property
    def detail(self) -> str:
        """What the other system or the code said, less read than the rest."""
        return "" if self.stall is None else self.stall.detail

    @property
    def is_moving(self) -> bool:
        """Whether a page that shows it should look again soon."""
        return self.stall is not None and self.stall.cause not in _STILL


_STILL = (
    Why.FINISHED,
    Why.SCHEDULED,
    Why.PARKED,
    Why.NO_RELEASE,
    Why.IN_DOUBT,
    Why.EFFECT_PARKED,
)
"""Nothing comes of these while somebody watches."""

_TONES = {
    Why.SCHEDULED: Tone.CALM,
    Why.STARTING: Tone.BUSY,
    Why.BUSY_WORKERS: Tone.BUSY,
    Why.RUNNING: Tone.BUSY,
    Why.BACKING_OFF: Tone.WARN,
    Why.LEASE_LOST: Tone.WARN,
    Why.NO_WORKER: Tone.BAD,
    Why.NO_RELEASE: Tone.BAD,
    Why.PARKED: Tone.BAD,
    Why.PAUSED: Tone.WARN,
    Why.CALLING: Tone.BUSY,
    Why.CHANNEL: Tone.WARN,
    Why.CHECKING: Tone.WARN,
    Why.PENDING: Tone.BUSY,
    Why.UNDOING: Tone.BUSY,
    Why.IN_DOUBT: Tone.BAD,
    Why.EFFECT_PARKED: Tone.BAD,
}


def of_envelope(
    *,
    envelope: TransitionEnvelope,
    effects: Sequence[EffectEntry] = (),
    world: World,
    now: datetime,
    why: str = "",
) -> Verdict:
    """Return how one requested transition stands.

    Args:
        effects: Its downstream calls, at least the unfinished ones.
        why: What it was refused for, in the language of the reader; empty: as it was stored.
    """
    label = names.transition(envelope.workflow, envelope.transition)
    target = names.status(envelope.workflow, envelope.target)
    when = "" if envelope.finished_at is None else relative(envelope.finished_at, now=now)
    facts = {"label": label, "target": target, "when": when, "why": why or told(envelope.message)}
    match envelope.state:
        case State.FIRED:
            done = _("“%(label)s” was done %(when)s: the record became “%(target)s”.") % facts
            return _followed(done, effects, world, now) or Verdict(tone=Tone.GOOD, sentence=done)
        case State.REFUSED:
            return Verdict(
                tone=Tone.WARN, sentence=_("“%(label)s” was refused %(when)s: %(why)s") % facts
            )
        case State.FAILED:
            return Verdict(
                tone=Tone.BAD, sentence=_("“%(label)s” failed for good %(when)s: %(why)s") % facts
            )
        case State.CANCELLED:
            return Verdict(
                tone=Tone.CALM, sentence=_("“%(label)s” was cancelled %(when)s: %(why)s") % facts
            )
    stall = diagnose(envelope=envelope, effects=effects, world=world, now=now)
    return Verdict(
        tone=_TONES.get(stall.cause, Tone.CALM),
        sentence=f"“{label}”: {stall.sentence}",
        next_act=stall.next_act,
        stall=stall,
    )


def _followed(
    done: str, effects: Sequence[EffectEntry], world: World, now: datetime
) -> Verdict | None:
    """Return how what follows from a transition that fired stands; None if all of it is done.

    A call that waits for a person is told before one that waits for its turn.
    """
    after = [each for each in effects if each.phase == Phase.AFTER and not each.is_final]
    if not after:
        return None
    first = next((each for each in after if each.is_stuck), after[0])
    stall = diagnose_effect(entry=first, world=world, now=now)
    return Verdict(
        tone=_TONES.get(stall.cause, Tone.BUSY),
        sentence=f"{done} {stall.sentence}",
        next_act=stall.next_act,
        stall=stall,
    )


def of_record(
    *,
    record: Record,
    envelopes: Sequence[TransitionEnvelope],
    effects: Sequence[EffectEntry] = (),
    world: World,
    now: datetime,
    whys: Mapping[UUID, str] | None = None,
) -> Verdict:
    """Return how a record stands.

    Args:
        envelopes: Its envelopes, the newest first; those in flight or scheduled, and the last.
        effects: Its unfinished downstream calls.
        whys: What requests were refused for, in the language of the reader.
    """
    in_flight = next((each for each in envelopes if each.is_in_flight), None)
    if in_flight is not None:
        mine = [each for each in effects if each.envelope_id == in_flight.pk]
        return of_envelope(envelope=in_flight, effects=mine, world=world, now=now)
    status = names.status(record.workflow, record.status)
    since = duration(now - record.status_since)
    facts = {"status": status, "since": since}
    followed = _followed(_("“%(status)s” for %(since)s.") % facts, effects, world, now)
    if followed is not None:
        return followed
    after = _after(envelopes, now)
    if _is_final(record):
        return Verdict(
            tone=Tone.GOOD,
            sentence=_("“%(status)s” for %(since)s: it has come to its end.") % facts,
            next_act=after,
        )
    last = next((each for each in envelopes if each.is_final), None)
    if last is not None and last.state == State.REFUSED:
        why = (whys or {}).get(last.pk, "")
        refused = of_envelope(envelope=last, world=world, now=now, why=why)
        return Verdict(
            tone=Tone.WARN,
            sentence=_("Still “%(status)s”, for %(since)s. The last request, %(refused)s")
            % {**facts, "refused": refused.sentence},
            next_act=after,
        )
    return Verdict(
        tone=Tone.CALM,
        sentence=_("“%(status)s” for %(since)s: waiting for the next step of a person.") % facts,
        next_act=after,
    )


def _is_final(record: Record) -> bool:
    try:
        final = registry.latest(record.workflow).final
    except UnknownDefinition:
        return False
    return record.status in {str(status.value) for status in final}


def _after(envelopes: Sequence[TransitionEnvelope], now: datetime) -> str:
    """Return what happens by itself later; empty if nothing does."""
    later = [each for each in envelopes if each.state == State.SCHEDULED and each.due_at]
    if not later:
        return ""
    first = min(later, key=lambda each: each.due_at or now)
    return _("“%(label)s” by itself at %(when)s.") % {
        "label": names.transition(first.workflow, first.transition),
        "when": at_and_in(first.due_at or now, now=now),
    }
