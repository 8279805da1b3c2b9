"""Which records a person may see, as a condition on a list."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q, QuerySet

from workflow.models import Record
from workflow.queries.inbox import latest_workflows
from workflow.queries.subjects import VIEW_ALL, has_right


def in_sight(
    *, user: AbstractBaseUser, records: QuerySet[Record] | None = None
) -> QuerySet[Record]:
    """Return those of the records that a person may see: all of them, or what workflows grant."""
    rows = Record.objects.all() if records is None else records
    if has_right(user, VIEW_ALL):
        return rows
    granted = Q(pk__in=[])
    for workflow in latest_workflows():
        if workflow.visible is not None:
            subjects = workflow.visible(workflow.subject._base_manager.all(), user)
            granted |= Q(pk__in=subjects.order_by().values("record_id"))
    return rows.filter(granted)
