"""Pages by cursor: stable while rows come in, and as fast at the millionth row as at the first."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from workflow.api.problems import Problem

R = TypeVar("R", bound=Model)

AT_MOST = 200


@dataclass(frozen=True, kw_only=True)
class Page(Generic[R]):
    """Some rows, and where the next ones begin."""

    rows: list[R]
    next: str | None
    """Cursor of the next page; None on the last."""


def page(
    rows: QuerySet[R], *, by: tuple[str, ...], cursor: str, limit: int, rising: bool = False
) -> Page[R]:
    """Return one page, the newest first unless `rising`.

    Args:
        by: Fields of the order, of which the last is unique; none may be null.

    Raises:
        Problem: The cursor is none of ours.
    """
    if cursor:
        rows = rows.filter(_beyond(by, _read(cursor, by, rows.model), rising=rising))
    order = by if rising else tuple(f"-{name}" for name in by)
    found = list(rows.order_by(*order)[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    return Page(rows=found, next=_write(by, found[-1]) if more else None)


def answer(page: Page[R], shape: Callable[[R], Any]) -> Mapping[str, Any]:
    """Return a page as it is sent."""
    return {"items": [shape(row) for row in page.rows], "next": page.next}


def _beyond(by: tuple[str, ...], place: list[Any], *, rising: bool) -> Q:
    """Return what comes after a place, written so that the first field's index serves."""
    than = "gt" if rising else "lt"
    name, *others = by
    value, *rest = place
    if not others:
        return Q(**{f"{name}__{than}": value})
    deeper = _beyond(tuple(others), rest, rising=rising)
    return Q(**{f"{name}__{than}e": value}) & (Q(**{f"{name}__{than}": value}) | deeper)


def _write(by: tuple[str, ...], row: Model) -> str:
    place = [_plain(getattr(row, name)) for name in by]
    text = json.dumps(place, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode("ascii")).decode("ascii").rstrip("=")


def _plain(value: Any) -> str | int:
    match value:
        case datetime():
            return value.isoformat()
        case int():
            return value
        case _:
            return str(value)


def _read(cursor: str, by: tuple[str, ...], model: type[Model]) -> list[Any]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = json.loads(text)
        if not isinstance(place, list) or len(place) != len(by):
            raise ValueError(cursor)
        return [_typed(model, name, value) for name, value in zip(by, place, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise Problem("malformed_cursor", "Send `next` of the page before, as it was.") from None


def _typed(model: type[Model], name: str, value: Any) -> Any:
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    match field.get_internal_type(), value:
        case "DateTimeField", str():
            at = datetime.fromisoformat(value)
            if at.tzinfo is None:
                raise ValueError(value)
            return at.astimezone(UTC)
        case "UUIDField", str():
            return UUID(value)
        case "BigAutoField" | "PositiveIntegerField", int() if _is_number(value):
            return value
    raise ValueError(value)


def _is_number(value: int) -> bool:
    return not isinstance(value, bool) and 0 <= value < 2**63
