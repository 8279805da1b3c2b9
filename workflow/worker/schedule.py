"""Schedules of backfills, kept in django-q2's table. With the broker, all that knows django-q2."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext, gettext_noop
from django_q.models import Schedule, Task

from workflow.definition import WorkflowError
from workflow.models import BackfillRun
from workflow.worker.scheduled import TASK

EVERY = {
    "hour": Schedule.HOURLY,
    "day": Schedule.DAILY,
    "week": Schedule.WEEKLY,
    "month": Schedule.MONTHLY,
}

_SAID = (
    gettext_noop("Hourly"),
    gettext_noop("Daily"),
    gettext_noop("Weekly"),
    gettext_noop("Monthly"),
)
"""How django-q2 calls them, for catalogues."""

_SHOWN = 50

_PATIENCE = timedelta(minutes=2)
"""Clusters look at schedules every thirty seconds."""


class NotAllowed(WorkflowError):
    """The task is not on the list of those that schedules may run."""

    code = "not_allowed"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One schedule: when it came last, what came of that, when it comes next."""

    name: str
    every: str
    """In django-q2's words."""

    next_at: datetime | None
    """None: it does not come again."""

    is_late: bool
    """Whether its time has passed without a cluster taking it up."""

    is_allowed: bool
    """Whether `TASKS` names its function; otherwise workers turn it away."""

    failed_at: datetime | None = None
    """When its last task failed; None if that did not."""

    run: BackfillRun | None = None
    """The last run that it, or a person, started of the same source under the same mapping."""


def schedules(*, now: datetime) -> list[Planned]:
    """Return the schedules, the next first; three statements, and no stored task is unpickled."""
    rows = list(Schedule.objects.order_by("next_run", "pk")[:_SHOWN])
    runs: dict[str, BackfillRun] = {}
    for run in BackfillRun.objects.order_by("-started_at")[: 4 * _SHOWN]:
        runs.setdefault(_name(run.source, run.mapping), run)
    failed = dict(
        Task.objects.filter(pk__in=[row.task for row in rows if row.task], success=False)
        .order_by()
        .values_list("pk", "stopped")
    )
    return [
        Planned(
            name=row.name or row.func,
            every=gettext(str(row.get_schedule_type_display())),
            next_at=row.next_run if row.repeats else None,
            is_late=bool(row.repeats and row.next_run and row.next_run < now - _PATIENCE),
            is_allowed=row.func in settings.ESCAPEMENT.get("TASKS", ()),
            failed_at=failed.get(row.task or ""),
            run=runs.get(row.name or "") if row.func == TASK else None,
        )
        for row in rows
    ]


def schedule_backfill(*, source: str, mapping: str, every: str, first: datetime) -> str:
    """Have a backfill started every hour, day, week or month; return the schedule's name.

    One schedule for each mapping and source: a second call changes it. A tick that falls into a
    time without workers is done once when they are back; several are not made up for.

    Raises:
        NotAllowed: `TASKS` does not name the task; nothing was written.
    """
    if TASK not in settings.ESCAPEMENT.get("TASKS", ()):
        raise NotAllowed(
            f"{TASK} is not on the list of tasks that schedules may run:"
            f" add it to the environment variable TASKS, for the workers too."
        )
    name = _name(source, mapping)
    Schedule.objects.update_or_create(
        name=name,
        defaults={
            "func": TASK,
            "kwargs": repr({"source": source, "mapping": mapping}),
            "schedule_type": EVERY[every],
            "next_run": first,
            "repeats": -1,
        },
    )
    return name


def unschedule_backfill(*, source: str, mapping: str) -> bool:
    """Take the schedule away; return whether there was one."""
    deleted, _ = Schedule.objects.filter(name=_name(source, mapping)).delete()
    return bool(deleted)


def _name(source: str, mapping: str) -> str:
    return f"backfill {mapping} {source}"[-100:]
