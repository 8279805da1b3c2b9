"""Keeping secrets out of what is shown and kept for reading."""

from __future__ import annotations

import re
from typing import Any

_SECRET = re.compile(
    r"password|passwd|secret|token|authorization|api[-_]?key|credential|cookie|iban|card", re.I
)
_SHOWN = "•••"
_LONGEST = 2000
_MOST = 50
_DEEPEST = 6


def masked(value: Any, *, depth: int = 0) -> Any:
    """Return a copy of a JSON value in which values under telling names are hidden.

    Long texts, long lists and deep nestings are cut, since this is for people to read.
    """
    if depth > _DEEPEST:
        return "..."
    match value:
        case dict():
            return {
                str(name): _SHOWN if _SECRET.search(str(name)) else masked(each, depth=depth + 1)
                for name, each in list(value.items())[:_MOST]
            }
        case list() | tuple():
            return [masked(each, depth=depth + 1) for each in value[:_MOST]]
        case str() if len(value) > _LONGEST:
            return f"{value[:_LONGEST]}..."
        case _:
            return value
