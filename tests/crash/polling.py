"""Waiting for what another process does: by looking, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

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
