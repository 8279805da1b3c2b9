"""The decision on one envelope: a pure look at the current state, and nothing written."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import connection, models

from audit.loading import columns
from workflow.definition import (
    Actor,
    Allowed,
    Context,
    Finding,
    Permanent,
    Refusal,
    Retryable,
    Transition,
    registry,
)
from workflow.engine import duties, standing
from workflow.engine.bounded import TooLong, alarmed, bounded
from workflow.engine.plan import Planned, every_after, next_before
from workflow.models import Ending, Tracked, TransitionEnvelope

_DETAIL = 8000
"""Characters of a traceback that are kept."""

_MESSAGE = 2000


@dataclass(frozen=True, kw_only=True)
class Fire:
    """Every guard consents; `apply` has changed the subject's fields in memory."""

    findings: tuple[Finding, ...]
    changed: tuple[str, ...]
    """Names of the fields that `apply` changed."""

    effects: tuple[Planned, ...] = ()
    """What follows from it downstream."""


@dataclass(frozen=True, kw_only=True)
class CallFirst:
    """Every guard consents, and a before-effect must be done before it may fire."""

    findings: tuple[Finding, ...]
    planned: Planned


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """The record or its guards say no; every reason is there."""

    findings: tuple[Finding, ...]

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The findings that say no."""
        return tuple(each.answer for each in self.findings if isinstance(each.answer, Refusal))


@dataclass(frozen=True, kw_only=True)
class Fail:
    """The attempt ended without a decision."""

    ending: Ending
    code: str
    message: str
    detail: str = ""
    retry_after: timedelta | None = None


Decision = Fire | CallFirst | Refuse | Fail

Receipts = Mapping[str, Mapping[str, Any]]


@contextmanager
def deciding() -> Iterator[None]:
    """Hold guards and `apply` to their promises inside: to end in time, and not to query.

    Around any number of decisions, in which nobody else may query either.
    """
    with alarmed(), connection.execute_wrapper(_refuse_query):
        yield


def _refuse_query(*_: Any) -> Any:
    raise Permanent(
        "Guards and `apply` may not query the database;"
        " let the workflow's `load` fetch what they need."
    )


def decide(
    *,
    envelope: TransitionEnvelope,
    subject: Tracked | None,
    receipts: Receipts,
    makers: duties.Makers | None = None,
    now: datetime,
) -> Decision:
    """Decide on an envelope whose record and subject are locked. Call inside `deciding`.

    Never raises for what a handler does: whatever a guard or `apply` throws becomes a Fail.

    Args:
        receipts: Those of its before-effects that are done, by name.
        makers: Who has made what bars from it; read under the record's lock where it counts.
    """
    if envelope.deadline_at is not None and now >= envelope.deadline_at:
        message = f"Its deadline, {envelope.deadline_at.isoformat()}, had passed."
        return Fail(ending=Ending.EXPIRED, code="deadline", message=message)
    if subject is None:
        return Fail(
            ending=Ending.PERMANENT,
            code="no_subject",
            message=f"Record {envelope.record.reference} has no {envelope.workflow} any more.",
        )
    workflow = registry.get(envelope.workflow, envelope.definition_version)
    transition = workflow.by_name.get(envelope.transition)
    if transition is None:
        return Fail(
            ending=Ending.PERMANENT,
            code="unknown_transition",
            message=f"{workflow.key} has no transition {envelope.transition!r} any more.",
        )
    refused = standing.refusals(
        record=envelope.record,
        transition=transition,
        expected_version=envelope.expected_version,
    )
    if refused:
        return Refuse(findings=tuple(Finding(guard=each.code, answer=each) for each in refused))
    context = context_of(envelope, subject, receipts, now)
    apart = duties.finding(transition=transition, actor=context.actor.id, makers=makers or {})
    return _guarded(transition, context, apart)


def _guarded(
    transition: Transition[Any, Any], context: Context[Any], apart: Sequence[Finding]
) -> Decision:
    try:
        with bounded(transition.timeout):
            return _consult(transition, context, apart)
    except TooLong:
        message = f"Took longer than its {transition.timeout.total_seconds():g} s."
        return Fail(ending=Ending.TIMED_OUT, code="timeout", message=message)
    except Permanent as error:
        return _fail(Ending.PERMANENT, error)
    except Retryable as error:
        return _fail(Ending.ERROR, error, retry_after=error.retry_after)
    except Exception as error:  # noqa: BLE001  (the outer loop's one broad except)
        return _fail(Ending.ERROR, error)


def _consult(
    transition: Transition[Any, Any], context: Context[Any], apart: Sequence[Finding]
) -> Decision:
    subject = context.subject
    before = _fields(subject)
    findings = (*apart, *(_ask(guard, context) for guard in transition.guards))
    refused = any(isinstance(finding.answer, Refusal) for finding in findings)
    planned = None if refused else next_before(transition, context)
    if _differing(before, subject):
        raise Permanent("A guard or a request changed the record's fields; only `apply` may.")
    if refused:
        return Refuse(findings=findings)
    if planned is not None:
        return CallFirst(findings=findings, planned=planned)
    if transition.apply is not None:
        transition.apply(context)
    changed = _changed(before, subject)
    effects = every_after(transition, context)
    return Fire(findings=findings, changed=changed, effects=effects)


def context_of(
    envelope: TransitionEnvelope, subject: Tracked, receipts: Receipts, now: datetime
) -> Context[Any]:
    """Return what guards, `apply` and requests of effects may look at."""
    actor_id = None if envelope.actor_id is None else str(envelope.actor_id)
    return Context(
        subject=subject,
        status=envelope.record.status,
        version=envelope.record.version,
        target=envelope.target,
        actor=Actor(id=actor_id, label=envelope.actor_label),
        payload=envelope.payload,
        reason=envelope.reason,
        now=now,
        requested_at=envelope.requested_at,
        transition_id=envelope.transition_id,
        receipts=receipts,
    )


def _ask(guard: Callable[[Context[Any]], Any], context: Context[Any]) -> Finding:
    answer = guard(context)
    name = getattr(guard, "__name__", type(guard).__name__)
    if answer is None:
        answer = Allowed()
    if not isinstance(answer, Allowed | Refusal):
        raise Permanent(
            f"Guard {name!r} returned {answer!r}; return nothing, allow(...) or refuse(...)."
        )
    return Finding(guard=name, answer=answer)


def _fields(subject: Tracked) -> dict[str, Any]:
    """Return what the instance holds, columns and all."""
    held = dict(vars(subject))
    for name in _mutable(type(subject)):
        if isinstance(held.get(name), dict | list):
            held[name] = deepcopy(held[name])
    return held


@cache
def _mutable(model: type[Tracked]) -> tuple[str, ...]:
    """Return the columns that may hold what can be changed in place: JSON, or who knows what."""
    return tuple(
        field.attname
        for field in model._meta.concrete_fields
        if isinstance(field, models.JSONField)
        or not type(field).__module__.startswith(models.fields.__name__)
    )


def _differing(before: Mapping[str, Any], subject: Tracked) -> list[str]:
    """Return the columns that are not as they were."""
    now = vars(subject)
    if now == before:
        return []
    return [
        name
        for name in columns(type(subject))
        if (new := now.get(name)) is not (old := before.get(name)) and new != old
    ]


def _changed(before: Mapping[str, Any], subject: Tracked) -> tuple[str, ...]:
    """Return the names of the fields that `apply` changed."""
    changed = _differing(before, subject)
    fixed = {subject._meta.pk.attname, "record_id"}.intersection(changed)
    if fixed:
        raise Permanent(f"`apply` changed {', '.join(sorted(fixed))}, which is fixed.")
    return tuple(subject._meta.get_field(name).name for name in changed)


def _fail(ending: Ending, error: Exception, *, retry_after: timedelta | None = None) -> Fail:
    return Fail(
        ending=ending,
        code=getattr(error, "code", "") or type(error).__name__,
        message=(str(error) or type(error).__name__)[:_MESSAGE],
        detail="".join(traceback.format_exception(error))[-_DETAIL:],
        retry_after=retry_after,
    )
