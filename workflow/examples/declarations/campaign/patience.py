"""Asking a database that is broken on purpose: again, until it answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connection

T = TypeVar("T")

_PAUSE = 0.2


class GivenUp(Exception):
    """The database gave no answer for long."""


def insist(
    ask: Callable[[], T],
    *,
    seconds: float = 60.0,
    heard: Callable[[Exception], None] = lambda _: None,
) -> T:
    """Return what it answers; what is asked has to bear being asked twice.

    Args:
        heard: Told of every error.

    Raises:
        GivenUp: Nothing but errors came for so many seconds.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except (DatabaseError, InterfaceError) as error:
            heard(error)
            connection.close()
            if time.monotonic() > until:
                raise GivenUp(str(error)) from error
            time.sleep(_PAUSE)
