"""What waits for a person, and how what they asked for stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from workflow.definition import Workflow, registry
from workflow.engine import standing
from workflow.models import IN_FLIGHT, Record, State, TransitionEnvelope
from workflow.queries import names
from workflow.queries.subjects import VIEW_ALL, has_right


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A record that a person could move on, and how."""

    record: Record
    status: str
    transitions: tuple[tuple[str, str], ...]
    """Name and label of what they have permission for."""


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
    Guards are asked on the record's own page: they may still say no.
    """
    condition = Q(pk__in=[])
    for name, by_status in steps_of(user).items():
        mine = Q(workflow=name, status__in=sorted(by_status))
        if not has_right(user, VIEW_ALL):
            mine &= _visible(name, user)
        condition |= mine
    busy = TransitionEnvelope.objects.in_flight().filter(record=OuterRef("pk"))
    return Record.objects.filter(condition).filter(~Exists(busy)).order_by("status_since", "pk")


def as_waiting(records: list[Record], user: AbstractBaseUser) -> list[Waiting]:
    """Return the records with what may be asked of them; no statement."""
    steps = steps_of(user)
    return [
        Waiting(
            record=record,
            status=names.status(record.workflow, record.status),
            transitions=steps.get(record.workflow, {}).get(record.status, ()),
        )
        for record in records
    ]


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
