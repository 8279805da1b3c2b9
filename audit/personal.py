"""Personal values: kept beside the trail, so that erasing one leaves every digest as it was.

An entry holds `personal:` and the SHA-256 of a random salt and the value. The salt lies beside the
value and goes with it: without it, trying out names against the digest tells nothing.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from django.conf import settings
from django.core.signals import setting_changed
from django.db import transaction

from audit.models import Entry, PersonalValue

MARK = "personal:"
TOKEN = re.compile(r"personal:([0-9a-f]{64})")
REDACTED = "[redacted]"
ACTION = "redacted"
"""Of the entry that explains why a value is gone."""

_A_STATEMENT = 500


class NotThere(ValueError):
    """The entry has no such personal value, or it has been erased before."""


@cache
def always() -> frozenset[str]:
    """Return the parts of entries that the installation treats as personal."""
    return frozenset(getattr(settings, "AUDIT", {}).get("PERSONAL", ()))


def _forget(**_: object) -> None:
    always.cache_clear()


setting_changed.connect(_forget)


def conceal(*, chain: UUID, value: str) -> tuple[str, PersonalValue]:
    """Return what the entry is to say instead, and the unsaved row that keeps the value."""
    salt = secrets.token_hex(16)
    digest = digest_of(salt=salt, value=value)
    return f"{MARK}{digest}", PersonalValue(digest=digest, chain=chain, salt=salt, value=value)


def digest_of(*, salt: str, value: str) -> str:
    """Return the digest that stands for a value."""
    return hashlib.sha256(f"{salt}:{value}".encode()).hexdigest()


def digests_in(entry: Entry) -> dict[str, str]:
    """Return the digests of an entry's personal values, by the part that holds them."""
    found = {}
    for part in ("actor", "reason"):
        token = TOKEN.fullmatch(getattr(entry, part))
        if token:
            found[part] = token[1]
    for index, token in enumerate(TOKEN.finditer(entry.evidence)):
        found[f"evidence {index + 1}"] = token[1]
    return found


def revealed(entries: Iterable[Entry]) -> list[Entry]:
    """Return copies of the entries that say what they said; where it was erased, `[redacted]`.

    For showing. One statement for every 500 values, none where there are none. A revealed entry
    does not give its digest any more.
    """
    shown = [copy.copy(entry) for entry in entries]
    wanted = {digest for entry in shown for digest in digests_in(entry).values()}
    if not wanted:
        return shown
    known = values(wanted)
    in_json = {digest: json.dumps(value)[1:-1] for digest, value in known.items()}
    for entry in shown:
        entry.actor = _reveal(entry.actor, known)
        entry.reason = _reveal(entry.reason, known)
        entry.evidence = _reveal(entry.evidence, in_json)
    return shown


def _reveal(text: str, known: Mapping[str, str]) -> str:
    return TOKEN.sub(lambda token: known.get(token[1], REDACTED), text)


def values(digests: Iterable[str]) -> dict[str, str]:
    """Return those values that are still there, by their digests."""
    return {
        digest: value
        for some in _in_parts(sorted(digests))
        for digest, value in PersonalValue.objects.filter(pk__in=some).values_list(
            "digest", "value"
        )
    }


@transaction.atomic
def redact(
    *,
    chain: UUID,
    sequence: int,
    part: str,
    actor_id: str,
    actor: str,
    reason: str,
    now: datetime,
) -> list[str]:
    """Erase a personal value for good, wherever the chain has it; enter who did it and why.

    Return the digests that stand for nothing any more. The caller checks the permission and holds
    the lock that its appends to this chain need.

    Raises:
        NotThere: The entry has no such part, or it has been erased.
        IntegrityError: Another writer extended the chain; start again.
    """
    from audit.chain import Note, append  # noqa: PLC0415  (appending conceals)

    digest = _held(chain, sequence, part)
    rows = list(PersonalValue.objects.filter(chain=chain))
    value = next((row.value for row in rows if row.pk == digest), None)
    if value is None:
        raise NotThere(f"The {part} of entry {sequence} has been erased before.")
    digests = sorted(row.pk for row in rows if row.value == value)
    PersonalValue.objects.filter(pk__in=digests).delete()
    note = Note(
        chain=chain,
        at=now,
        action=ACTION,
        actor_id=actor_id,
        actor=actor,
        reason=reason,
        evidence={"sequence": sequence, "part": part, "digests": digests},
    )
    append([note])
    return digests


def _held(chain: UUID, sequence: int, part: str) -> str:
    entry = Entry.objects.filter(chain=chain, sequence=sequence).first()
    if entry is None:
        raise NotThere(f"Chain {chain} has no entry {sequence}.")
    held = digests_in(entry)
    if part not in held:
        parts = ", ".join(held) or "none"
        raise NotThere(f"Entry {sequence} holds no personal {part!r}; personal there: {parts}.")
    return held[part]


def _in_parts(digests: Sequence[str]) -> Iterable[Sequence[str]]:
    return (digests[at : at + _A_STATEMENT] for at in range(0, len(digests), _A_STATEMENT))
