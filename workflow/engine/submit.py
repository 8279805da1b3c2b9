"""Accepting requests: one wish becomes one envelope, however often it is sent.

Two forms of one step. The quick form reads without locks, before its transaction, and writes the
accepted requests only: the primary key, the slot's unique index and the chain's unique place
decide between concurrent submitters, and whoever loses rolls back having written nothing. What the
quick form did not accept, or lost, goes through the careful form: it locks the records first, so
that what it reads still holds when it writes the refusal, the repetition or the conflict into the
trail.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit import chain
from audit.models import PersonalValue
from audit.planned import is_lost
from audit.rows import create
from workflow.definition import InvalidRequest, WorkflowError
from workflow.engine import tracing
from workflow.engine.announce import announce
from workflow.engine.answer import Accepted, Answer, Conflict, Invalid, Refused, Repeated
from workflow.engine.conceal import conceal_in
from workflow.engine.correlation import facts_of
from workflow.engine.deadlock import is_deadlock
from workflow.engine.judge import Known, judge
from workflow.engine.known import known_of, undisturbed
from workflow.engine.request import Request, check
from workflow.engine.sign import as_evidence, signature_of
from workflow.engine.trail import Action, note, refusals_as_evidence
from workflow.models import Record, Signature, TransitionEnvelope

log = structlog.get_logger(__name__)

_TOGETHER = 200
"""Requests in one transaction: large enough to share statements, small enough to hold no lock
for long."""

_SORTED_TOGETHER = 1000
"""Requests that are looked through before the first of them are written."""

_TRIES = 5
"""Of the careful form. It can lose only to one id sent for two records at once."""

Numbered = list[tuple[int, Request]]
Judged = tuple[int, Request, Answer]
Ends = Mapping[UUID, chain.Head]


def submit(*, request: Request, now: datetime) -> Accepted | Repeated | Refused | Conflict:
    """Write down one request and return how it stands.

    Safe to repeat: the same transition id with the same body gives the first request's envelope.
    May be called inside a transaction; the envelope then commits or vanishes with it.

    Raises:
        InvalidRequest: It could not be read; nothing was written.
        UnknownDefinition: The record's workflow is not in this release.
    """
    answer = submit_many(requests=(request,), now=now)[0]
    if isinstance(answer, Invalid):
        raise answer.error
    return answer


def submit_many(*, requests: Sequence[Request], now: datetime) -> list[Answer]:
    """Write down many requests and return an answer for each, in their order.

    They commit in chunks, and requests for one record are taken in their order. If it is
    interrupted, some are written and some are not; send all of them again under the same ids.
    """
    answers: list[Answer] = []
    for first in range(0, len(requests), _SORTED_TOGETHER):
        answers += _submit(requests[first : first + _SORTED_TOGETHER], now)
    return answers


def _submit(requests: Sequence[Request], now: datetime) -> list[Answer]:
    answers: dict[int, Answer] = {}
    readable: Numbered = []
    for index, request in enumerate(requests):
        try:
            check(request)
        except WorkflowError as error:
            answers[index] = Invalid(error=error)
        else:
            readable.append((index, request))
    for numbered in _apart(readable):
        answers |= _take(numbered, now)
    for index, request in enumerate(requests):
        _tell(request, answers[index])
    return [answers[index] for index in range(len(requests))]


def _apart(waiting: Numbered) -> list[Numbered]:
    """Return groups in which no record and no id occurs twice, keeping the order of each."""
    groups: list[Numbered] = []
    earliest: dict[UUID, int] = {}
    with_room = 0
    for index, request in waiting:
        record, name = request.record, request.transition_id
        place = max(with_room, earliest.get(record, 0), earliest.get(name, 0))
        while place < len(groups) and len(groups[place]) >= _TOGETHER:
            place += 1
        if place == len(groups):
            groups.append([])
        groups[place].append((index, request))
        earliest[record] = earliest[name] = place + 1
        while with_room < len(groups) and len(groups[with_room]) >= _TOGETHER:
            with_room += 1
    return groups


def _take(numbered: Numbered, now: datetime) -> dict[int, Answer]:
    answers: dict[int, Answer] = {}
    left = numbered
    for tries_left in reversed(range(1 + _TRIES)):
        form = _quickly if tries_left == _TRIES else _carefully
        try:
            answers |= form(left, now)
        except DatabaseError as error:
            if not tries_left or not _is_collision(error):
                raise
            log.debug("submit.collided", requests=len(left), error=str(error))
        left = [pair for pair in left if pair[0] not in answers]
        if not left:
            break
    return answers


def _is_collision(error: DatabaseError) -> bool:
    """Return whether another writer was in the way, and a second try may find it gone.

    The quick form checks its records when it commits, and may then wait for a worker that waits
    for its place in the chain: PostgreSQL ends one of the two. Or a migration has changed what a
    statement was prepared for. An outer transaction is lost by either.
    """
    if isinstance(error, IntegrityError):
        return True
    return (is_deadlock(error) or is_lost(error)) and not connection.in_atomic_block


def _quickly(numbered: Numbered, now: datetime) -> dict[int, Answer]:
    # A caller's transaction is not lost by what fails in here.
    apart = transaction.atomic() if connection.in_atomic_block else nullcontext()
    with apart:
        known, ends = undisturbed([request for _, request in numbered])
        judged = [(*pair, judge(request=pair[1], known=known, now=now)) for pair in numbered]
        accepted = [each for each in judged if isinstance(each[-1], Accepted)]
        if not accepted:
            return {}
        draft = _draft(accepted, known, ends, now)
        with transaction.atomic(savepoint=False):
            return draft.write()


@transaction.atomic
def _carefully(numbered: Numbered, now: datetime) -> dict[int, Answer]:
    known = known_of([request for _, request in numbered])
    ends = chain.heads(known.records)
    judged = [(*pair, judge(request=pair[1], known=known, now=now)) for pair in numbered]
    return _draft(judged, known, ends, now).write()


@dataclass(frozen=True, kw_only=True)
class _Draft:
    """Answers, and all that they write."""

    answers: dict[int, Answer]
    envelopes: list[TransitionEnvelope]
    signatures: list[Signature]
    personal: list[PersonalValue]
    linked: chain.Linked

    def write(self) -> dict[int, Answer]:
        """Write it, and return the answers. Call in a transaction.

        Raises:
            IntegrityError: Somebody was quicker.
        """
        if self.personal:
            PersonalValue.objects.bulk_create(self.personal, batch_size=_TOGETHER)
        create(self.envelopes)
        if self.signatures:
            Signature.objects.bulk_create(self.signatures, batch_size=_TOGETHER)
        chain.store(self.linked)
        if any(isinstance(answer, Accepted) for answer in self.answers.values()):
            transaction.on_commit(announce, robust=True)
        return self.answers


def _draft(judged: list[Judged], known: Known, ends: Ends, now: datetime) -> _Draft:
    notes: list[chain.Note] = []
    envelopes: list[TransitionEnvelope] = []
    signatures: list[Signature] = []
    personal: list[PersonalValue] = []
    # In the order of record ids, as workers lock them, so that the two cannot deadlock.
    for _, request, answer in sorted(judged, key=lambda each: each[1].record.int):
        if isinstance(answer, Accepted | Refused):
            envelopes.append(answer.envelope)
            signatures += signature_of(request=request, envelope=answer.envelope)
            personal += conceal_in(answer.envelope, is_signed=request.signed is not None)
        if not isinstance(answer, Invalid):
            notes.append(_note(request, answer, known, now))
    return _Draft(
        answers={index: answer for index, _, answer in judged},
        envelopes=envelopes,
        signatures=signatures,
        personal=personal,
        linked=chain.link(notes, ends=ends),
    )


def _note(request: Request, answer: Answer, known: Known, now: datetime) -> chain.Note:
    record = known.records[request.record]
    about = partial(_about, request, record, now)
    match answer:
        case Accepted(envelope=envelope):
            return note(
                envelope=envelope,
                action=Action.REQUESTED,
                now=now,
                old=record.status,
                evidence={
                    "definition": envelope.definition_version,
                    "digest": envelope.digest,
                    "origin": envelope.origin,
                    "target": envelope.target,
                    **_signature(request, envelope),
                },
            )
        case Refused(envelope=envelope, refusals=refusals):
            return note(
                envelope=envelope,
                action=Action.REFUSED,
                now=now,
                old=record.status,
                evidence={
                    "digest": envelope.digest,
                    "origin": envelope.origin,
                    "findings": refusals_as_evidence(refusals),
                    **_signature(request, envelope),
                },
            )
        case Repeated(envelope=envelope):
            return about(Action.REPEATED, {"state": envelope.state})
        case Conflict(envelope=envelope):
            return about(Action.CONFLICT, {"digest": request.digest(), "holder": envelope.digest})
        case Invalid():
            raise AssertionError("an unreadable request is not written down")


def _signature(request: Request, envelope: TransitionEnvelope) -> dict[str, dict[str, str]]:
    signatures = signature_of(request=request, envelope=envelope)
    return {"signature": as_evidence(signatures[0])} if signatures else {}


def _about(
    request: Request, record: Record, now: datetime, action: Action, evidence: dict[str, str]
) -> chain.Note:
    """Return an entry in the name of who asks now, who need not be who asked first."""
    return chain.Note(
        chain=record.pk,
        at=now,
        action=action.value,
        actor_id=request.actor.id or "",
        actor=request.actor.label,
        reason=request.reason,
        old=record.status,
        transition_id=request.transition_id,
        correlation_id=request.correlation_id,
        evidence={"transition": request.transition, "origin": request.origin.value, **evidence},
    )


def _tell(request: Request, answer: Answer) -> None:
    """Trace and log a request."""
    if isinstance(answer, Accepted) and tracing.is_recorded():
        _trace(request, answer.envelope)
    if log.isEnabledFor(logging.WARNING if isinstance(answer, Conflict) else logging.INFO):
        _log(request, answer)


def _log(request: Request, answer: Answer) -> None:
    fields = {
        "transition_id": str(request.transition_id),
        "record": str(request.record),
        "transition": request.transition,
        "origin": request.origin.value,
        "correlation_id": request.correlation_id,
    }
    match answer:
        case Accepted(envelope=envelope):
            fields |= {
                "correlation_id": envelope.correlation_id,
                "trace_id": envelope.traceparent[3:35],
            }
            log.info("request.accepted", **fields)
        case Repeated(envelope=envelope):
            log.info("request.repeated", state=envelope.state, **fields)
        case Refused(refusals=refusals):
            log.info("request.refused", codes=[each.code for each in refusals], **fields)
        case Conflict():
            log.warning("request.conflict", **fields)
        case Invalid(error=InvalidRequest() as error):
            # Neither value nor wording: they may hold what a person filled in.
            log.warning("request.invalid", code=error.code, field=error.field, **fields)
        case Invalid(error=error):
            log.warning("request.invalid", code=error.code, **fields)


def _trace(request: Request, envelope: TransitionEnvelope) -> None:
    own, parent = envelope.traceparent, request.traceparent
    with tracing.span(name="envelope", own=own, parent=parent, facts=facts_of(envelope)):
        pass  # its attempts and calls are the children of this span, whenever they come
