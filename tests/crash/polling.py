"""Waiting for what another process does: by looking, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TypeVar
from uuid import UUID

from workflow.models import State, TransitionEnvelope

T = TypeVar("T")


def until(look: Callable[[], T], *, seconds: float, what: str = "") -> T:
    """Return what `look` finds once it is truthy.

    Raises:
        AssertionError: It found nothing in time.
    """
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {what or look}; found {found!r}"
        time.sleep(0.01)


def fired(names: Collection[UUID], *, seconds: float) -> float:
    """Wait until all of these transitions have fired; return the seconds it took."""
    began = time.monotonic()
    these = TransitionEnvelope.objects.filter(pk__in=names, state=State.FIRED)
    until(lambda: these.count() == len(names), seconds=seconds, what=f"{len(names)} fired")
    return time.monotonic() - began
