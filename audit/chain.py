"""Appending to chains.

A chain has no head row: its head is its last entry, and UNIQUE (chain, sequence) decides between
writers. So the trail is only ever inserted into, and there is no second place to keep in step.
Two writers that read the same head collide; the later one gets an IntegrityError, its transaction
rolls back as a whole, and it starts again from the new head. Callers that hold the subject's row
lock from before the head is read never collide with each other.

Beside the entries goes a mark for each chain, so that the sealer finds what has changed (`seal`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import CharField, Exists, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.db.models.sql import Query

from audit.canonical import SAID, canonical, digest_of
from audit.compiled import Compiled
from audit.models import Entry, PersonalValue, Unsealed
from audit.personal import TOKEN, always, conceal
from audit.rows import Rows

GENESIS = "0" * 64
"""What the first entry of a chain names as its predecessor."""

_HEADS_A_STATEMENT = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What is to be entered; its place in the chain is found when it is appended."""

    chain: UUID
    at: datetime
    action: str
    actor_id: str = ""
    actor: str
    reason: str = ""
    old: str = ""
    new: str = ""
    transition_id: UUID | None = None
    correlation_id: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    personal: frozenset[str] = frozenset()
    """What names or describes a person, and may have to be erased: `actor`, `reason`, or keys of
    the evidence; beside those that the setting names. Of these the entry keeps a digest."""


class Head(NamedTuple):
    """The end of a chain; an empty chain ends at 0."""

    sequence: int = 0
    digest: str = GENESIS


_EMPTY = Head()

Link = tuple[Any, ...]
"""An entry that is not stored yet: the values of `LINKED`, in its order."""

LINKED = (*SAID, "digest")
"""Names of an entry's columns, but for its key."""

_ENTRIES = Rows(Entry, LINKED)
_MARKS = Rows(Unsealed, ("chain",))


@dataclass(frozen=True, kw_only=True, slots=True)
class Linked:
    """What continues some chains, and is not stored yet."""

    links: Sequence[Link]
    personal: Sequence[PersonalValue]
    ends: Mapping[UUID, Head]
    """Where the chains end then; those that it does not continue among them."""

    def followed_by(self, notes: Sequence[Note]) -> Linked:
        """Return this and what continues it."""
        if not notes:
            return self
        more = link(notes, ends=self.ends)
        return Linked(
            links=[*self.links, *more.links],
            personal=[*self.personal, *more.personal],
            ends=more.ends,
        )


def append(notes: Sequence[Note]) -> None:
    """Enter the notes, in their order, at the ends of their chains.

    Call inside the transaction whose doing they describe: they commit together or not at all.
    Three statements for any number of notes up to 200 chains; one more where some are new, and one
    for personal values.

    Raises:
        IntegrityError: Another writer extended one of the chains; roll back and start again.
    """
    if notes:
        store(link(notes, ends=heads({note.chain for note in notes})))


def link(notes: Iterable[Note], *, ends: Mapping[UUID, Head]) -> Linked:
    """Return what continues the chains from the given ends; a chain without one is new.

    For those who do it before they take a lock, and then `store` it.
    """
    reached = dict(ends)
    links: list[Link] = []
    personal: list[PersonalValue] = []
    for note in notes:
        said = _said(_without_personal(note, personal), reached.get(note.chain, _EMPTY))
        digest = digest_of(said)
        reached[note.chain] = Head(said[1], digest)
        links.append((*said, digest))
    return Linked(links=links, personal=personal, ends=reached)


def store(linked: Linked) -> None:
    """Enter what was linked; otherwise as `append`."""
    if not linked.links:
        return
    _ENTRIES.insert(linked.links)
    _MARKS.insert([(chain,) for chain in dict.fromkeys(each[0] for each in linked.links)])
    if linked.personal:
        PersonalValue.objects.bulk_create(linked.personal, batch_size=500)


_END = Concat(Cast("sequence", CharField(max_length=20)), Value(" "), "digest")
"""Both in one, so that they are of one entry whatever the isolation."""


def heads(chains: Iterable[UUID]) -> dict[UUID, Head]:
    """Return the present end of each chain that has entries."""
    found: dict[UUID, Head] = {}
    wanted = list(chains)
    for start in range(0, len(wanted), _HEADS_A_STATEMENT):
        some = wanted[start : start + _HEADS_A_STATEMENT]
        found |= _ends(_HEADS.rows(chains=some))
        without_first = [chain for chain in some if chain not in found]
        if without_first:
            found |= _ends(_WITHOUT_FIRST.rows(chains=without_first))
    return found


def _ends(rows: Iterable[tuple[UUID, str]]) -> dict[UUID, Head]:
    return {chain: head_of(end) for chain, end in rows}


def _by_first_entries(*, chains: list[UUID]) -> Query:
    # By way of each chain's first entry: asked for the last ones themselves, a database reads
    # whole chains to compare.
    first = Entry.objects.filter(chain__in=chains, sequence=1).order_by()
    return first.values_list("chain", end(of="chain")).query


_HEADS = Compiled(_by_first_entries)


def _last_entries(*, chains: list[UUID]) -> Query:
    later = Entry.objects.filter(chain=OuterRef("chain"), sequence__gt=OuterRef("sequence"))
    entries = Entry.objects.filter(~Exists(later), chain__in=chains).order_by()
    return entries.values_list("chain", _END).query


_WITHOUT_FIRST = Compiled(_last_entries)
"""What is not new, and still has no first entry: somebody has taken it away. Nothing may be put in
its place, so that the gap shows."""


def end(*, of: str) -> Subquery:
    """Return an expression: where the chain ends that an outer field names, for `head_of`."""
    later = Entry.objects.filter(chain=OuterRef(of)).order_by("-sequence")
    return Subquery(later.values_list(_END)[:1])


def head_of(end: str) -> Head:
    """Return the head that an `end` tells."""
    sequence, _, digest = end.partition(" ")
    return Head(int(sequence), digest)


def _without_personal(note: Note, kept: list[PersonalValue]) -> Note:
    """Return the note with digests in place of what is personal, which is added to `kept`."""
    personal = note.personal | always()
    if not personal:
        return note
    concealed: dict[str, Any] = {}
    for part in personal.intersection(("actor", "reason")):
        if getattr(note, part) and not TOKEN.fullmatch(getattr(note, part)):
            concealed[part], value = conceal(chain=note.chain, value=getattr(note, part))
            kept.append(value)
    evidence = dict(note.evidence)
    for key in sorted(personal.intersection(evidence)):
        text = evidence[key] if isinstance(evidence[key], str) else json.dumps(evidence[key])
        evidence[key], value = conceal(chain=note.chain, value=text)
        kept.append(value)
    return replace(note, **concealed, evidence=evidence)


def _said(note: Note, head: Head) -> tuple[Any, ...]:
    return (
        note.chain,
        head.sequence + 1,
        note.at,
        note.action,
        note.actor_id,
        note.actor,
        note.reason,
        note.old,
        note.new,
        note.transition_id,
        note.correlation_id,
        canonical(note.evidence) if note.evidence else "",
        head.digest,
    )
