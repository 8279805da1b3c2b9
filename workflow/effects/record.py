"""Making outcomes durable: what came of a worker's calls, in one transaction.

Only the holder of the current claim may write. A worker that comes late writes nothing but a note
that it did, with what it has to tell: the receipt that it brings may be what a person needs.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q
from django.db.models.sql import Query

from audit import chain
from audit.compiled import Compiled
from audit.loading import twin
from workflow import definition
from workflow.definition import Done, Postponed, Unknown, registry
from workflow.effects import channels, door, line
from workflow.effects.answer import Answer
from workflow.effects.mask import masked
from workflow.effects.settle import OVERTAKEN, Settled, settle
from workflow.engine.boundary import Boundary, reach
from workflow.engine.correlation import facts_of
from workflow.engine.hold import hold_again
from workflow.engine.trail import Action, note
from workflow.models import EffectAttempt, EffectEntry, Outcome, TransitionEnvelope

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A call that has ended, under the claim that it was made with."""

    entry: EffectEntry
    """As it was claimed, with its envelope and record."""

    answer: Answer


def record(*, ended: Sequence[Ended], now: datetime) -> Counter[str]:
    """Write what came of the calls; return the rows' new states, counted.

    Safe to repeat: what is written already is found under no claim, and noted as late.

    Raises:
        IntegrityError: Somebody else wrote on one of the records at this instant; nothing was
            written, call again.
    """
    with transaction.atomic():
        envelopes = hold_again(each.entry.envelope for each in ended)
        ours = _still_ours(ended)
        settled = [
            # A copy: should this be rolled back, it is done again from the row as it was claimed.
            Settled(entry=twin(each.entry), answer=each.answer)
            for each in sorted(ended, key=lambda each: each.entry.pk)
            if each.entry.pk in ours
        ]
        for each in settled:
            each.entry.envelope = envelopes[each.entry.envelope_id]
        settle(settled=settled, now=now)
        _tell_channels(settled, now)
        line.bring_forward(done=[each.entry for each in settled], now=now)
        late = _without_own([each for each in ended if each.entry.pk not in ours])
        chain.append([_late(each, envelopes[each.entry.envelope_id], now) for each in late])
        reach(Boundary.OUTCOME_WRITTEN)
    reach(Boundary.OUTCOME_COMMITTED)
    _log(settled, late)
    return Counter([*(f"effect {each.entry.state}" for each in settled), *("late" for _ in late)])


def _without_own(late: list[Ended]) -> list[Ended]:
    """Leave out what was written by a commit whose answer the worker never got."""
    if not late:
        return []
    written = EffectAttempt.objects.filter(
        effect__in=[each.entry.pk for each in late],
        fence__in=[each.entry.fence for each in late],
    ).exclude(Q(outcome=Outcome.DIED) | Q(code=OVERTAKEN))
    own = set(written.values_list("effect", "fence"))
    return [each for each in late if (each.entry.pk, each.entry.fence) not in own]


def is_closing(envelope: UUID) -> bool:
    """Return whether a transition is to end without firing."""
    found = TransitionEnvelope.objects.filter(pk=envelope).exclude(closing_as="")
    return found.exists()


def _still_ours(ended: Sequence[Ended]) -> set[int]:
    """Lock the rows that are still held under the claims with which they were called.

    Nobody else changes a row while its claim stands, so nothing else of it is read again.
    """
    tokens = {each.entry.pk: each.entry.claim for each in ended}
    claims = {token for token in tokens.values() if token is not None}
    locked = _STILL_OURS.rows(keys=list(tokens), claims=list(claims))
    return {pk for pk, claim in locked if claim == tokens[pk]}


def _claimed(*, keys: list[int], claims: list[UUID]) -> Query:
    # Only these: whoever claims locks a channel, and then rows that nobody holds; see `claim`.
    rows = EffectEntry.objects.filter(pk__in=keys, claim__in=claims)
    return rows.order_by("pk").select_for_update().values_list("pk", "claim").query


_STILL_OURS = Compiled(_claimed)


def _tell_channels(settled: Sequence[Settled], now: datetime) -> None:
    """Let the doors know how the calls went. Locks channels last; see `claim`."""
    answers: dict[str, list[Answer]] = defaultdict(list)
    for each in settled:
        answers[each.entry.channel].append(each.answer)
    declared = registry.channels()
    for name in sorted(answers):
        row = channels.hold(name)
        if row is None:
            continue
        problems = [_problem(answer) for answer in answers[row.name]]
        faults = [problem for problem in problems if problem]
        changed = door.hear(
            row=row,
            declared=declared.get(row.name) or definition.Channel(name=row.name),
            faults=len(faults),
            answers=len(problems) - len(faults),
            problem=faults[-1] if faults else "",
            now=now,
        )
        if changed:
            row.save()


def _problem(answer: Answer) -> str:
    """Return what the downstream failed at, in words; empty if it answered."""
    match answer.what:
        case Unknown(reason=reason):
            return reason
        case Postponed(reason=reason, is_fault=True):
            return reason
        case _:
            return ""


def _late(each: Ended, envelope: TransitionEnvelope, now: datetime) -> chain.Note:
    answer = each.answer
    receipt = answer.what.receipt if isinstance(answer.what, Done) else {}
    return note(
        envelope=envelope,
        action=Action.EFFECT_LATE,
        now=now,
        evidence={
            "effect_row": each.entry.pk,
            "worker": answer.by,
            "claim": each.entry.claim.hex if each.entry.claim else "",
            "brought": type(answer.what).__name__,
            "message": getattr(answer.what, "reason", ""),
            "receipt": masked(dict(receipt)),
            "wrote": "nothing",
        },
    )


def _log(settled: Sequence[Settled], late: Sequence[Ended]) -> None:
    is_told = log.isEnabledFor(logging.INFO)
    for each in settled:
        entry, envelope = each.entry, each.entry.envelope
        if not (is_told or entry.is_stuck):
            continue
        event = log.warning if entry.is_stuck else log.info
        event(
            "effect.settled",
            effect=entry.name,
            key=entry.key,
            channel=entry.channel,
            state=str(entry.state),
            code=entry.code,
            outcome=type(each.answer.what).__name__,
            **{**facts_of(envelope), "worker": each.answer.by, "attempt": entry.fence},
        )
    for other in late:
        log.warning(
            "effect.late",
            effect_row=other.entry.pk,
            transition_id=str(other.entry.envelope_id),
            worker=other.answer.by,
        )
