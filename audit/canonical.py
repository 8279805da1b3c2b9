"""One way to write a value as bytes, the same on every database and machine."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any
from uuid import UUID

from audit.models import Entry

FORMAT = 1
"""Number of the preimages' layout; it is part of every digest."""

SAID = (
    "chain",
    "sequence",
    "at",
    "action",
    "actor_id",
    "actor",
    "reason",
    "old",
    "new",
    "transition_id",
    "correlation_id",
    "evidence",
    "previous",
)
"""Names of the columns that a digest covers, in the order in which it does."""

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""The character in canonical JSON; not its spelled-out name."""

quoted: Callable[[str], str] = encode_basestring_ascii
"""Writes a text as JSON, ASCII only."""

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode
_encode_sorted = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
).encode


def canonical(value: Any) -> str:
    """Return the value as JSON with sorted keys, no blanks, ASCII only, no NaN.

    Raises:
        TypeError, ValueError: It holds something that JSON does not know.
    """
    return _encode_sorted(value)


def moment(at: datetime) -> str:
    """Return an aware time as UTC with six decimals, as in `2026-01-31T08:00:00.000000Z`."""
    return _moment(at if at.tzinfo is UTC else at.astimezone(UTC))


@lru_cache(maxsize=1024)
def _moment(utc: datetime) -> str:
    # Most of what a batch writes, it writes at one time.
    return utc.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def digest(entry: Entry) -> str:
    """Return the SHA-256 of everything the entry says and of the digest before it."""
    return digest_of(tuple(getattr(entry, name) for name in SAID))


def digest_of(said: tuple[Any, ...]) -> str:
    """Return the digest of an entry that says this; the values of `SAID`, in its order.

    The preimage is a JSON array of texts and numbers in a fixed order, so that no two different
    entries have the same one.
    """
    chain, sequence, at, action, actor_id, actor, reason, old, new, transition, *rest = said
    named = "" if transition is None else transition.hex
    texts = (moment(at), action, actor_id, actor, reason, old, new, named, *rest)
    preimage = f'[{FORMAT},"{chain.hex}",{sequence},{",".join(map(quoted, texts))}]'
    return sha256(preimage.encode("ascii"))


def head_leaf(*, chain: UUID, sequence: int, digest: str, since: int) -> bytes:
    """Return a sealed head as the bytes that its leaf of the tree is made of."""
    return _encode([FORMAT, "head", chain.hex, sequence, digest, since]).encode("ascii")


def seal_statement(
    *,
    number: int,
    sealed_at: datetime,
    previous: str,
    root: str,
    heads: int,
    entries: int,
    complete: bool,
    key: str,
) -> bytes:
    """Return what a seal states, as the bytes that are signed and digested."""
    at = moment(sealed_at)
    return _encode(
        [FORMAT, "seal", number, at, previous, root, heads, entries, complete, key]
    ).encode("ascii")


def key_statement(*, public: str, introduced_at: datetime, introduced_by: str) -> bytes:
    """Return what a key says when it vouches for its successor, as the bytes that are signed."""
    return _encode([FORMAT, "key", public, moment(introduced_at), introduced_by]).encode("ascii")


def sha256(statement: bytes) -> str:
    """Return the digest as 64 hexadecimal digits."""
    return hashlib.sha256(statement).hexdigest()


def holds_nul(text: str) -> bool:
    """Return whether canonical JSON has a NUL character, which PostgreSQL cannot keep."""
    return _NUL.search(text) is not None
