"""A dry run: would it fire, what would it change, what would it send? Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from workflow.definition import Context, Effect, Finding, Refusal, Transition, Workflow
from workflow.definition.transition import Guard
from workflow.engine import duties
from workflow.engine.decide import (
    CallFirst,
    Decision,
    Fail,
    Fire,
    Receipts,
    context_of,
    decide,
    deciding,
)
from workflow.engine.enclose import enclose
from workflow.engine.request import Request
from workflow.models import Record, Tracked, TransitionEnvelope


@dataclass(frozen=True, kw_only=True)
class Sending:
    """One call that the transition would make."""

    effect: Effect[Any]
    request: Mapping[str, Any] | None
    """What would be sent; None where the effect has nothing to send, or where `problem` says why
    it cannot be told."""

    is_before: bool
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """What would become of a request if it were decided now."""

    findings: tuple[Finding, ...] = ()
    changes: tuple[tuple[str, Any, Any], ...] = ()
    """Field, old value, new value."""

    sends: tuple[Sending, ...] = ()
    problem: str = ""
    """Why the guards could not be asked at all: one of them raised."""

    is_settled: bool = False
    """Whether it is refused whatever its form may bring: a guard says no without a look at it."""

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The findings that say no."""
        return tuple(each.answer for each in self.findings if isinstance(each.answer, Refusal))

    @property
    def would_fire(self) -> bool:
        """Whether nothing stands against it."""
        return not self.refusals and not self.problem


def foresee(
    *,
    request: Request,
    record: Record,
    subject: Tracked,
    workflow: Workflow[Any, Any],
    transition: Transition[Any, Any],
    makers: duties.Makers | None = None,
    now: datetime,
) -> Foresight:
    """Decide on a copy of the record as it stands; lock nothing, write nothing.

    Guards are asked with the payload as it is given, so a form that is still empty may make one
    refuse that would consent to what is filled in. What is foreseen may differ from what happens:
    the decision that counts is made on the locked record.
    """
    envelope = enclose(request=request, workflow=workflow, transition=transition, now=now)
    envelope.record = record

    def tried(receipts: Receipts) -> tuple[Tracked, Decision]:
        trial = deepcopy(subject)
        with deciding():
            return trial, decide(
                envelope=envelope, subject=trial, receipts=receipts, makers=makers, now=now
            )

    trial, decision = tried({})
    first = _sends(transition.before, envelope, subject, now, is_before=True)
    if isinstance(decision, CallFirst):
        # What follows once its before-effects are done, as if their receipts were empty.
        assumed: dict[str, dict[str, Any]] = {each.name: {} for each in transition.before}
        trial, later = tried(assumed)
        if not isinstance(later, Fire):
            after = _sends(transition.after, envelope, subject, now, is_before=False)
            return Foresight(findings=decision.findings, sends=first + after)
        decision = later
    match decision:
        case Fire(findings=findings, changed=changed):
            return Foresight(
                findings=findings,
                changes=tuple(
                    (name, getattr(subject, name), getattr(trial, name)) for name in changed
                ),
                sends=first + _sends(transition.after, envelope, trial, now, is_before=False),
            )
        case Fail(message=message):
            return Foresight(problem=message)
        case _:
            return Foresight(
                findings=decision.findings,
                sends=first + _sends(transition.after, envelope, subject, now, is_before=False),
                is_settled=_is_settled(
                    transition, decision.findings, context_of(envelope, subject, {}, now)
                ),
            )


class _Watched(Mapping[str, Any]):
    """A payload that knows whether anybody looked at it."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self._payload = payload
        self.was_read = False

    def __getitem__(self, name: str) -> Any:
        self.was_read = True
        return self._payload[name]

    def __iter__(self) -> Iterator[str]:
        self.was_read = True
        return iter(self._payload)

    def __len__(self) -> int:
        self.was_read = True
        return len(self._payload)


def _is_settled(
    transition: Transition[Any, Any],
    findings: Sequence[Finding],
    context: Context[Any],
) -> bool:
    """Return whether somebody says no who does not look at what is filled in."""
    if transition.form is None:
        return True
    guards = {getattr(each, "__name__", type(each).__name__): each for each in transition.guards}
    return any(
        isinstance(each.answer, Refusal)
        and (each.guard not in guards or _is_blind(guards[each.guard], context))
        for each in findings
    )


def _is_blind(guard: Guard[Any], context: Context[Any]) -> bool:
    """Ask a guard again, and return whether it answered without a look at the payload."""
    payload = _Watched(context.payload)
    try:
        guard(replace(context, subject=deepcopy(context.subject), payload=payload))
    except Exception:  # noqa: BLE001  (an adopter's function: with the form filled in, perhaps not)
        return False
    return not payload.was_read


def _sends(
    effects: tuple[Effect[Any], ...],
    envelope: TransitionEnvelope,
    subject: Tracked,
    now: datetime,
    *,
    is_before: bool,
) -> tuple[Sending, ...]:
    """Return the calls: before-effects see the record as it is, after-effects as it will be."""
    return tuple(
        _sending(effect, envelope, subject, now, is_before=is_before) for effect in effects
    )


def _sending(
    effect: Effect[Any],
    envelope: TransitionEnvelope,
    subject: Tracked,
    now: datetime,
    *,
    is_before: bool,
) -> Sending:
    try:
        request = effect.request(context_of(envelope, deepcopy(subject), {}, now))
    except Exception as error:  # noqa: BLE001  (an adopter's function; a dry run shows its fault)
        return Sending(effect=effect, request=None, is_before=is_before, problem=repr(error))
    return Sending(effect=effect, request=request, is_before=is_before)
