"""The domain object of a record, and who may see it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser

from workflow.definition import UnknownDefinition, registry
from workflow.models import Record, Tracked

VIEW_ALL = "workflow.view_record"


def subject_of(record: Record) -> Tracked | None:
    """Return the record's domain object with what guards look at, not locked; None if none."""
    try:
        workflow = registry.latest(record.workflow)
    except UnknownDefinition:
        return None
    rows: Any = workflow.subject._base_manager.filter(record=record.pk)
    if workflow.load is not None:
        rows = workflow.load(rows)
    found: Tracked | None = rows.first()
    if found is not None:
        found.record = record  # one object, so that nothing asks for it again
    return found


def subjects_of(records: Iterable[Record]) -> dict[UUID, Tracked]:
    """Return the domain objects of many records; one statement, or two, for each workflow."""
    by_workflow: dict[str, dict[UUID, Record]] = {}
    for record in records:
        by_workflow.setdefault(record.workflow, {})[record.pk] = record
    found: dict[UUID, Tracked] = {}
    for name, some in by_workflow.items():
        try:
            workflow = registry.latest(name)
        except UnknownDefinition:
            continue
        rows: Any = workflow.subject._base_manager.filter(record__in=list(some))
        if workflow.load is not None:
            rows = workflow.load(rows)
        for subject in rows:
            subject.record = some[subject.record_id]
            found[subject.record_id] = subject
    return found


def visible(*, records: Iterable[Record], user: AbstractBaseUser) -> set[UUID]:
    """Return which of these records a person may see; one statement for each workflow."""
    wanted = list(records)
    if has_right(user, VIEW_ALL):
        return {record.pk for record in wanted}
    by_workflow: dict[str, list[UUID]] = {}
    for record in wanted:
        by_workflow.setdefault(record.workflow, []).append(record.pk)
    seen: set[UUID] = set()
    for name, keys in by_workflow.items():
        try:
            workflow = registry.latest(name)
        except UnknownDefinition:
            continue
        if workflow.visible is not None:
            rows = workflow.visible(workflow.subject._base_manager.all(), user)
            seen.update(rows.filter(record__in=keys).values_list("record_id", flat=True))
    return seen


def has_right(user: AbstractBaseUser, permission: str) -> bool:
    """Return whether a person has a Django permission."""
    return bool(getattr(user, "has_perm", lambda _: False)(permission))
