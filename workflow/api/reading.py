"""Reading bodies: JSON objects that the database and other systems can hold, and nothing else."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest
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
            what = str(error) if isinstance(error, json.JSONDecodeError | _Odd) else "no UTF-8"
            raise Problem("malformed_body", f"It is no JSON: {what}.") from None
        return value


class _Odd(ValueError):
    """What Python takes and the standard does not."""


def _no_number(text: str) -> Any:
    raise _Odd(f"{text} is no number")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Odd("a name occurs twice in one object")
    return found
