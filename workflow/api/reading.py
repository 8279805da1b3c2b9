"""Reading bodies and queries, and nothing that only looks like what was meant.

Bodies are JSON objects that the database and other systems can hold. A query has the parameters
that its operation knows, each once: a misspelt filter would be none, and its caller would take all
rows for some.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from django.http import HttpRequest
from ninja.operation import Operation
from ninja.parser import Parser

from workflow.api.problems import Problem


class Strict(Parser):
    """Refuses what is no JSON by its standard, however leniently Python would read it."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body as values.

        Raises:
            Problem: It is no JSON, says it is something else, or holds what cannot be written.
        """
        if request.content_type != "application/json":
            raise Problem("media_type", "Send `Content-Type: application/json`.")
        try:
            value = json.loads(
                request.body.decode("utf-8"),
                parse_constant=_no_number,
                object_pairs_hook=_without_repeats,
            )
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
        except RecursionError:
            raise Problem("malformed_body", "It is nested too deeply.") from None
        except ValueError as error:
            raise Problem("malformed_body", _why(error)) from None
        return value


def know_its_query(operation: Operation) -> None:
    """Have an operation refuse parameters that it does not know, or that come twice."""
    known = {
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    }
    view = operation.view_func

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *arguments: Any, **named: Any) -> Any:
        if faults := _odd_parameters(request, known):
            where, message = faults[0]["where"], faults[0]["message"]
            raise Problem("invalid_request", f"{'.'.join(where)}: {message}", faults=faults)
        return view(request, *arguments, **named)

    operation.view_func = wrapped


def _odd_parameters(request: HttpRequest, known: set[str]) -> list[dict[str, Any]]:
    taken = ", ".join(sorted(known)) or "none"
    return [
        {
            "where": ["query", name],
            "message": "comes more than once" if name in known else f"is not known; use {taken}",
        }
        for name, values in request.GET.lists()
        if name not in known or len(values) > 1
    ]


def _why(error: ValueError) -> str:
    """Return what is wrong with a body; never a part of it, which may be anything."""
    match error:
        case UnicodeDecodeError():
            return "It is no JSON: no UTF-8."
        case UnicodeEncodeError():
            return "It holds half of a surrogate pair, as in \\ud800, which is no character."
        case json.JSONDecodeError() | _Odd():
            return f"It is no JSON: {error}."
        case _:  # of reading, and of writing it again
            return "It holds a number that is too large."


class _Odd(ValueError):
    """What Python takes and the standard does not."""


def _no_number(text: str) -> Any:
    raise _Odd(f"{text} is no number")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Odd("a name occurs twice in one object")
    return found
