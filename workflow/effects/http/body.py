"""What a downstream says, taken for what it is: bytes from outside.

An object that passes here can be stored by all three databases as it is.
"""

from __future__ import annotations

import json
import math
from typing import Any

from workflow.effects.http.exchange import Answered

_DEPTH = 32
_SHOWN = 120


class Unreadable(Exception):
    """The answer holds no JSON object; the message says what it holds."""


def json_object(answer: Answered) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Raises:
        Unreadable: There is none, or not all of it.
    """
    if answer.broken:
        raise Unreadable(f"its body is not all there: {answer.broken}")
    if not answer.body:
        raise Unreadable("it has no body")
    form = answer.headers.get("content-type", "")
    coding = answer.headers.get("content-encoding", "identity")
    if not _is_json(form) or coding.strip().lower() != "identity":
        told = f"{form or 'no content type'}{'' if coding == 'identity' else f', {coding}'}"
        raise Unreadable(f"it is no JSON ({_printable(told)}): {_printable(answer.body)}")
    try:
        found = json.loads(answer.body.decode("utf-8"), parse_constant=_no_number)
        _check(found)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"its JSON is broken ({error}): {_printable(answer.body)}") from None
    if not isinstance(found, dict):
        raise Unreadable(f"its JSON is no object: {_printable(answer.body)}")
    return found


def _is_json(form: str) -> bool:
    kind = form.partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _check(value: Any) -> None:
    """Raise ValueError for what a database would refuse or a page could not show."""
    level = [value]
    for _ in range(_DEPTH):
        level = [inner for each in level for inner in _within(each)]
        if not level:
            return
    raise ValueError(f"it is nested more than {_DEPTH} deep")


def _within(value: Any) -> list[Any]:
    match value:
        case dict():
            return [*value, *value.values()]
        case list():
            return value
        case str() if "\0" in value:
            raise ValueError("a text has a NUL character")
        case str():
            value.encode("utf-8")  # half a surrogate pair is no text
        case float() if not math.isfinite(value):
            raise ValueError("a number is too large")
    return []


def _printable(found: bytes | str) -> str:
    text = found.decode("utf-8", "replace") if isinstance(found, bytes) else found
    shown = "".join(each if each.isprintable() else " " for each in text[:_SHOWN])
    return f"{shown}..." if len(text) > _SHOWN else shown
