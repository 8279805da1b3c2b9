"""One way to write a value as bytes, the same on every database and machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from audit.models import Entry

FORMAT = 1
"""Number of the preimage's layout; it is part of every digest."""

_sorted = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_as_given = json.JSONEncoder(separators=(",", ":")).encode


def canonical(value: Mapping[str, Any]) -> str:
    """Return the JSON object with sorted keys, no blanks, ASCII only, no NaN.

    Raises:
        TypeError, ValueError: It holds something that JSON does not know.
    """
    return _sorted(value)


def moment(at: datetime) -> str:
    """Return an aware time as UTC with six decimals, as in `2026-01-31T08:00:00.000000Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def digest(entry: Entry) -> str:
    """Return the SHA-256 of everything the entry says and of the digest before it.

    The preimage is a JSON array of texts and numbers in a fixed order, so that no two different
    entries have the same one.
    """
    preimage = _as_given(
        [
            FORMAT,
            entry.chain.hex,
            entry.sequence,
            moment(entry.at),
            entry.action,
            entry.actor_id,
            entry.actor,
            entry.reason,
            entry.old,
            entry.new,
            "" if entry.transition_id is None else entry.transition_id.hex,
            entry.correlation_id,
            entry.evidence,
            entry.previous,
        ]
    )
    return hashlib.sha256(preimage.encode("ascii")).hexdigest()
