"""Reading a source through its mapping: a row becomes an event, or a bad row with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from audit.canonical import canonical
from workflow.backfill.mapping import BackfillMapping, Event, Told, Unusable
from workflow.backfill.sources import Bad, Row, Source, UnreadableSource
from workflow.engine.limits import limits
from workflow.models import Fault

_SHOWN = 60
_RAW = 2000
_LENGTHS = {
    "reference": 100,
    "id": 200,
    "transition": 64,
    "actor": 150,
    "old": 64,
    "status": 64,
}
_REASON = 10_000
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
_NEEDED = ("reference", "id", "transition")


def check_columns(*, source: Source, mapping: BackfillMapping[Any], name: str) -> None:
    """See that the source has what the mapping needs, before anything else is done.

    Raises:
        UnreadableSource: Columns are missing, which the message names.
    """
    columns = source.columns()
    if columns is None:
        return
    present = {mapping.renamed.get(column, column) for column in columns}
    missing = [column for column in mapping.columns if column not in present]
    if missing:
        raise UnreadableSource(
            name,
            f"lacks the columns {', '.join(missing)}, which mapping {mapping.name!r} needs;"
            f" it has {', '.join(columns)}",
        )


def read(*, source: Source, mapping: BackfillMapping[Any]) -> Iterator[Told | Bad | None]:
    """Yield what each row of the source says; None for one that the mapping leaves out.

    Never raises for what a row or the mapping does.

    Raises:
        UnreadableSource: There is no reading the source at all.
    """
    for row in source.rows():
        match row:
            case Bad():
                yield row
            case Row(number=number, values=values):
                yield _mapped(mapping, number, _named(mapping, values))


def _named(mapping: BackfillMapping[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    names = mapping.renamed
    return {names.get(key, key): value for key, value in values.items()}


def _mapped(
    mapping: BackfillMapping[Any], number: int, values: dict[str, Any]
) -> Told | Bad | None:
    missing = [column for column in mapping.columns if column not in values]
    if missing:
        return Bad(number, f"lacks {', '.join(missing)}", _raw(values))
    try:
        event = mapping.event(values)
    except Unusable as error:
        return Bad(number, str(error), _raw(values))
    except Exception as error:  # noqa: BLE001  (whatever an adopter's mapping raises)
        problem = f"mapping {mapping.name!r} raised {type(error).__name__}: {error}"
        return Bad(number, problem[:2000], _raw(values), Fault.MAPPING_FAILED)
    if event is None:
        return None
    problem = _problem(event)
    if problem:
        return Bad(number, problem, _raw(values))
    return Told(event, number, _encode(values))


def _problem(event: Event) -> str:
    """Return what makes an event impossible to write down; empty when nothing does."""
    for name, longest in _LENGTHS.items():
        value = getattr(event, name)
        if not isinstance(value, str) or len(value) > longest or not value.isprintable():
            return f"{name} {_shown(value)} is not 0 to {longest} printable characters"
    for name in _NEEDED:
        if not getattr(event, name).strip():
            return f"{name} is empty"
    if not _is_text(event.reason):
        return f"reason {_shown(event.reason)} is not 0 to {_REASON} characters of text"
    if not isinstance(event.happened_at, datetime) or event.happened_at.tzinfo is None:
        return f"time {_shown(event.happened_at)} has no offset from UTC"
    try:
        event.happened_at.astimezone(UTC)
    except (OverflowError, ValueError):
        return f"time {_shown(event.happened_at)} is out of range"
    return _payload_problem(event.payload) if event.payload else ""


def _is_text(reason: object) -> bool:
    return (
        isinstance(reason, str)
        and len(reason) <= _REASON
        and "\0" not in reason
        and not any("\ud800" <= letter <= "\udfff" for letter in reason)
    )


def _payload_problem(payload: Mapping[str, Any]) -> str:
    try:
        text = canonical(payload)
    except (TypeError, ValueError, RecursionError) as error:
        return f"payload {_shown(payload)} is no JSON object: {error}"
    if len(text) > limits().payload_bytes:
        return f"payload {_shown(payload)} is longer than {limits().payload_bytes} bytes"
    if "\\u0000" in text:
        return f"payload {_shown(payload)} holds a NUL character"
    return ""


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."


def _raw(values: Mapping[str, Any]) -> str:
    return _encode(values)[:_RAW]
