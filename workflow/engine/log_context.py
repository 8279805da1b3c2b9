"""What every log line within a piece of work says beside its own fields.

One context variable, whose fields are put together only when a line is written: a worker passes
thousands of envelopes a second, most of which it says one word about. Knows no models, so that
logging can be configured before they are loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar, Token
from typing import Any

Fields = Callable[[], Mapping[str, Any]]

_bound: ContextVar[Fields | None] = ContextVar("escapement_log_fields", default=None)


def bind(fields: Fields) -> Token[Fields | None]:
    """Have these fields on every line from now on; undo it with `release`."""
    return _bound.set(fields)


def release(token: Token[Fields | None]) -> None:
    """Go back to what was bound before."""
    _bound.reset(token)


def merge(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the bound fields to an event; its own come first. A processor of structlog."""
    fields = _bound.get()
    if fields is not None:
        for name, value in fields().items():
            event.setdefault(name, value)
    return event
