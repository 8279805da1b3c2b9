"""Functions that a queue row may name."""

from __future__ import annotations

CALLS: list[tuple[object, ...]] = []


def welcome(*arguments: object) -> None:
    """On the allow-list of the tests."""
    CALLS.append(arguments)


def unwelcome(*arguments: object) -> None:
    """Not on it."""
    CALLS.append(arguments)


WELCOME = f"{__name__}.welcome"
UNWELCOME = f"{__name__}.unwelcome"
