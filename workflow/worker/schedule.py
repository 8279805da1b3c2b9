"""Schedules of backfills, kept in django-q2's table. With the broker, all that knows django-q2."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django_q.models import Schedule

from workflow.definition import WorkflowError
from workflow.worker.scheduled import TASK

EVERY = {
    "hour": Schedule.HOURLY,
    "day": Schedule.DAILY,
    "week": Schedule.WEEKLY,
    "month": Schedule.MONTHLY,
}


class NotAllowed(WorkflowError):
    """The task is not on the list of those that schedules may run."""

    code = "not_allowed"


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
    name = f"backfill {mapping} {source}"[-100:]
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
    deleted, _ = Schedule.objects.filter(name=f"backfill {mapping} {source}"[-100:]).delete()
    return bool(deleted)
