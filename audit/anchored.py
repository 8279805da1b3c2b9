"""Seals as they are written outside: one JSON object a line, enough to be verified alone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from audit.canonical import moment, seal_statement, sha256
from audit.keys import is_signed
from audit.models import Seal
from audit.verify.fault import Fault, Kind


def line(seal: Seal) -> str:
    """Return the seal as a line, without the line's end."""
    said = {
        "number": seal.number,
        "sealed_at": moment(seal.sealed_at),
        "previous": seal.previous,
        "root": seal.root,
        "heads": seal.heads,
        "entries": seal.entries,
        "complete": seal.complete,
        "key": seal.key,
        "digest": seal.digest,
        "signature": seal.signature,
    }
    return json.dumps(said, separators=(",", ":"))


def compare(*, lines: Iterable[str], trusted: Collection[str]) -> Iterator[Fault | None]:
    """Yield for each anchored seal what is wrong with the database's, or None.

    A seal that was anchored and is not in the database any more shows that the newest seals, and
    all they covered, have been cut off.

    Raises:
        ValueError: A line is no seal, or is not signed with a trusted key: the anchor itself is
            not to be relied on.
    """
    for place, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        anchored = _read(text, place, trusted)
        found = Seal.objects.filter(pk=anchored["number"]).first()
        yield _difference(anchored, found)


def _difference(anchored: dict[str, Any], found: Seal | None) -> Fault | None:
    number = anchored["number"]
    if found is None:
        message = (
            f"seal {number} of {anchored['sealed_at']} was anchored, but is not in the database:"
            " it, and what it covered, has been cut off"
        )
    elif found.digest != anchored["digest"]:
        message = f"seal {number} is not the one that was anchored"
    else:
        return None
    return Fault(kind=Kind.SEAL_BROKEN, seal=number, message=message)


def _read(text: str, place: int, trusted: Collection[str]) -> dict[str, Any]:
    try:
        said = json.loads(text)
        statement = seal_statement(
            number=said["number"],
            sealed_at=datetime.fromisoformat(said["sealed_at"]),
            previous=said["previous"],
            root=said["root"],
            heads=said["heads"],
            entries=said["entries"],
            complete=said["complete"],
            key=said["key"],
        )
        signed = (
            is_signed(statement=statement, signature=said["signature"], public=said["key"])
            and sha256(statement) == said["digest"]
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"line {place} is no seal: {error!r}") from error
    if not signed or said["key"] not in trusted:
        raise ValueError(f"line {place}: seal {said['number']} is not signed with a trusted key")
    return dict(said)
