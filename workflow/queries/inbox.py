"""What waits for a person, and how what they asked for stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from workflow.definition import Transition, UnknownDefinition, Workflow, registry
from workflow.engine import duties, standing
from workflow.models import IN_FLIGHT, Record, State, Tracked, TransitionEnvelope
from workflow.queries import names
from workflow.queries.options import Option, option
from workflow.queries.subjects import VIEW_ALL, has_right, subjects_of
from workflow.queries.wording import told


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A record that a person could move on, and how."""

    record: Record
    status: str
    transitions: tuple[tuple[str, str], ...]
    """Name and label of what they can ask for as it stands."""

    summary: str = ""
    """What it is about, in one line."""

    why_not: str = ""
    """What stands against all that they have permission for; empty where something is open."""


def latest_workflows() -> list[Workflow[Any, Any]]:
    """Return the newest version of each workflow."""
    return list({each.name: each for each in registry.everything()}.values())


def steps_of(user: AbstractBaseUser) -> dict[str, dict[str, tuple[tuple[str, str], ...]]]:
    """Return, by workflow and status, the transitions for which a person has the permission."""
    found: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {}
    for workflow in latest_workflows():
        by_status: dict[str, tuple[tuple[str, str], ...]] = {}
        for status in sorted(workflow.status_values):
            permitted = tuple(
                (each.name, str(each.label))
                for each in workflow.leaving(status)
                if not standing.denied(user=user, transition=each)
            )
            if permitted:
                by_status[status] = permitted
        if by_status:
            found[workflow.name] = by_status
    return found


def waiting_for(user: AbstractBaseUser) -> QuerySet[Record]:
    """Return the records in whose status the person may ask for something, the oldest first.

    Records with a transition in flight wait for a worker, not for a person, and are left out.
    Their guards may still say no.
    """
    condition = Q(pk__in=[])
    for name, by_status in steps_of(user).items():
        mine = Q(workflow=name, status__in=sorted(by_status))
        if not has_right(user, VIEW_ALL):
            mine &= _visible(name, user)
        condition |= mine
    busy = TransitionEnvelope.objects.in_flight().filter(record=OuterRef("pk"))
    return Record.objects.filter(condition).filter(~Exists(busy)).order_by("status_since", "pk")


def as_waiting(
    records: Sequence[Record], user: AbstractBaseUser, *, now: datetime
) -> list[Waiting]:
    """Return the records with what may be asked of them; a constant number of statements.

    Guards are asked here: what they refuse is not offered, unless its form may change their mind.
    """
    subjects = subjects_of(records)
    leaving = {each.pk: _leaving(each, user) for each in records}
    makers = duties.makers_of((key, each) for key, some in leaving.items() for each in some)
    return [
        _waiting(
            record,
            subjects.get(record.pk),
            [
                option(
                    record=record,
                    subject=subjects.get(record.pk),
                    transition=transition,
                    user=user,
                    in_flight=None,
                    makers=makers.get(record.pk, {}),
                    now=now,
                )
                for transition in leaving[record.pk]
            ],
        )
        for record in records
    ]


def _leaving(record: Record, user: AbstractBaseUser) -> list[Transition[Any, Any]]:
    """Return the transitions out of the record's status that a person has permission for."""
    try:
        leaving = registry.latest(record.workflow).leaving(record.status)
    except UnknownDefinition:
        return []
    return [each for each in leaving if not standing.denied(user=user, transition=each)]


def _waiting(record: Record, subject: Tracked | None, options: Sequence[Option]) -> Waiting:
    open_ones = tuple((each.name, each.label) for each in options if each.may_be_asked)
    refusals = [refusal for each in options for refusal in each.refusals]
    why = refusals[0] if refusals and not open_ones else None
    return Waiting(
        record=record,
        status=names.status(record.workflow, record.status),
        transitions=open_ones,
        summary="" if subject is None else subject.summary,
        why_not="" if why is None else told(why.message, template=why.template, facts=why.facts),
    )


def asked_by(user: AbstractBaseUser) -> QuerySet[TransitionEnvelope]:
    """Return what a person asked for, the newest first."""
    return (
        TransitionEnvelope.objects.filter(actor=user.pk)
        .select_related("record")
        .order_by("-requested_at", "-pk")
    )


def unsettled(envelopes: QuerySet[TransitionEnvelope]) -> QuerySet[TransitionEnvelope]:
    """Return those of which nothing has come yet."""
    return envelopes.filter(state__in=[*IN_FLIGHT, State.SCHEDULED])


def since(envelopes: QuerySet[TransitionEnvelope], at: datetime) -> QuerySet[TransitionEnvelope]:
    """Return those asked for since a time."""
    return envelopes.filter(requested_at__gte=at)


def _visible(name: str, user: AbstractBaseUser) -> Q:
    workflow = registry.latest(name)
    if workflow.visible is None:
        return Q(pk__in=[])
    rows = workflow.visible(workflow.subject._base_manager.all(), user)
    return Q(pk__in=rows.order_by().values("record_id"))
