"""Waiting until what the transitions asked of others is done, or waits for a person."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db.models import Exists, OuterRef

from workflow.definition import WorkflowError
from workflow.examples.declarations.console.progress import Progress
from workflow.examples.declarations.workflows import DECLARATION
from workflow.models import EFFECT_STUCK, EffectEntry


class Undelivered(WorkflowError):
    """Effects are on their way, and none of them moves."""

    code = "undelivered"

    def __init__(self, seconds: float, left: int) -> None:
        super().__init__(f"No effect moved for {seconds:.0f} s; {left:,} are on their way.")


def deliver(*, progress: Progress, watch: Callable[[], None], patience: float) -> None:
    """Return once every effect is done, or waits for a person.

    Args:
        watch: Called between two looks; takes its time.
        patience: Seconds.

    Raises:
        Undelivered: Nothing moved for so long.
    """
    left = total = waiting()
    moved_at, before = time.monotonic(), movement()
    while left:
        progress.show(total - left)
        watch()
        now = movement()
        if now != before:
            moved_at, before = time.monotonic(), now
        elif time.monotonic() - moved_at > patience:
            raise Undelivered(patience, left)
        left = waiting()
    progress.finish(total - left)


def waiting() -> int:
    """Return how many effects something will still happen to by itself.

    Not those that wait for a person, nor those behind one of these on the same channel.
    """
    stuck = EffectEntry.objects.filter(
        record=OuterRef("record"),
        channel=OuterRef("channel"),
        state__in=EFFECT_STUCK,
        pk__lt=OuterRef("pk"),
    )
    unfinished = EffectEntry.objects.unfinished().filter(record__workflow=DECLARATION.name)
    return unfinished.exclude(state__in=EFFECT_STUCK).exclude(Exists(stuck)).count()


def movement() -> tuple[int, int]:
    """Return something that changes whenever an effect moves."""
    rows = EffectEntry.objects.unfinished().values_list("fence", flat=True)
    fences = list(rows)
    return len(fences), sum(fences)
