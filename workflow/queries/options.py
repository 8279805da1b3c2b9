"""Why and why not: every transition that leaves the present status, guard by guard."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext

from workflow.definition import Reason, Refusal, Transition, UnknownDefinition, registry
from workflow.engine import duties, standing
from workflow.engine.foresee import Foresight, foresee
from workflow.engine.request import Request
from workflow.models import Record, Tracked, TransitionEnvelope
from workflow.queries import names


class Answer(enum.Enum):
    """What would come of asking for a transition now."""

    WOULD_FIRE = "would_fire"
    WOULD_REFUSE = "would_refuse"
    """A guard says no; with a form, what is filled in may change its mind."""

    DENIED = "denied"
    """The person may not ask for it."""

    OCCUPIED = "occupied"
    """Another transition holds the record's slot."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """One transition as it stands for one person at one moment."""

    transition: Transition[Any, Any]
    target: str
    """Label of the status it leads to."""

    answer: Answer
    obstacles: tuple[Refusal, ...] = ()
    """Refusals that no guard gives: no permission, another in flight."""

    foresight: Foresight = field(default_factory=Foresight)

    @property
    def name(self) -> str:
        """The transition's stable name."""
        return self.transition.name

    @property
    def label(self) -> str:
        """What the button says."""
        return gettext(str(self.transition.label))

    @property
    def has_form(self) -> bool:
        """Whether it asks for more than a reason."""
        return self.transition.form is not None

    @property
    def needs_reason(self) -> bool:
        """Whether it must be said why."""
        return self.transition.reason is Reason.REQUIRED

    @property
    def starts_here(self) -> bool:
        """Whether it leaves the status in which the record stands."""
        return not any(each.code == "wrong_status" for each in self.foresight.refusals)

    @property
    def may_be_asked(self) -> bool:
        """Whether the button is offered."""
        if not self.starts_here:
            return False
        return self.answer is Answer.WOULD_FIRE or self.may_change_its_mind

    @property
    def may_change_its_mind(self) -> bool:
        """Whether only what is still to be filled in on its form stands against it."""
        is_open = self.answer is Answer.WOULD_REFUSE and not self.foresight.is_settled
        return self.has_form and is_open

    @property
    def told_refusals(self) -> tuple[Refusal, ...]:
        """The same without what a page says once for all: that another transition is in flight."""
        return tuple(each for each in self.refusals if each.code != "in_flight")

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Everything that stands against it."""
        return (*self.obstacles, *self.foresight.refusals)


def options(
    *,
    record: Record,
    subject: Tracked | None,
    user: AbstractBaseUser,
    in_flight: TransitionEnvelope | None,
    now: datetime,
) -> list[Option]:
    """Return what may leave the record's status, in the order of its declaration.

    No statement beside the user's permissions, as guards do not query; one more where a
    transition is apart from others.
    """
    try:
        workflow = registry.latest(record.workflow)
    except UnknownDefinition:
        return []
    leaving = workflow.leaving(record.status)
    makers = duties.makers_of((record.pk, each) for each in leaving).get(record.pk, {})
    return [
        option(
            record=record,
            subject=subject,
            transition=transition,
            user=user,
            in_flight=in_flight,
            makers=makers,
            now=now,
        )
        for transition in leaving
    ]


def option(
    *,
    record: Record,
    subject: Tracked | None,
    transition: Transition[Any, Any],
    user: AbstractBaseUser,
    in_flight: TransitionEnvelope | None,
    now: datetime,
    payload: dict[str, Any] | None = None,
    makers: duties.Makers | None = None,
) -> Option:
    """Return how one transition stands for a person, with the payload that they would send.

    Args:
        makers: Who has made what bars from it; None: look it up.
    """
    if makers is None:
        makers = duties.makers_of([(record.pk, transition)]).get(record.pk, {})
    workflow = registry.latest(record.workflow)
    target = names.status(record.workflow, str(transition.target.value))
    denied = standing.denied(user=user, transition=transition)
    occupied = [] if in_flight is None else [standing.occupied(record=record, winner=in_flight)]
    foreseen = Foresight()
    if subject is not None:
        wish = Request(
            record=record.pk, transition=transition.name, user=user, payload=payload or {}
        )
        foreseen = foresee(
            request=wish,
            record=record,
            subject=subject,
            workflow=workflow,
            transition=transition,
            makers=makers,
            now=now,
        )
    answer = Answer.WOULD_FIRE if foreseen.would_fire else Answer.WOULD_REFUSE
    if occupied:
        answer = Answer.OCCUPIED
    if denied:
        answer = Answer.DENIED
    return Option(
        transition=transition,
        target=target,
        answer=answer,
        obstacles=(*denied, *occupied),
        foresight=foreseen,
    )
