"""Sealing: signing where the chains end, so that their ends cannot be cut off unnoticed.

*What has changed since the last seal?* Not what has higher ids: ids are given at insertion, and a
transaction that got lower ones may commit after one that got higher ones. A sealer that remembered
the highest id it saw would pass by what became visible below it, for ever. So every append leaves
a mark for its chain, in its own transaction (`Unsealed`): the mark is seen exactly when its
entries are. The sealer takes the marks it sees, seals where their chains end, and removes those
very marks. What commits later has its own mark and waits for the next seal. The cost is that of
what changed.

*Which heads?* All of a seal's heads are read in one statement, so that they belong to one state of
the database, which contains the marks' entries and perhaps more.

*Two sealers* both write seal n + 1; its primary key lets one of them commit. The other rolls back,
its marks included, and starts again. *A crash* anywhere before the commit leaves the marks.

Marks prove nothing and are not guarded. Who removes one keeps a chain out of the next seal, until
the chain grows; the verification names entries that are older than a seal which should have had
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, QuerySet, Subquery

from audit.canonical import head_leaf, seal_statement, sha256
from audit.chain import GENESIS
from audit.keys import Key, KeyFault, introduce
from audit.merkle import root
from audit.models import Entry, Seal, SealedHead, SealKey, Unsealed

_MARKS = 10_000
"""Most marks that one seal takes: it bounds memory, transaction and the length of proofs."""

_TRIES = 10
_A_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class _End:
    """A chain's end, and where the last seal saw it."""

    chain: UUID
    sequence: int
    digest: str
    since: int


def seal_all(*, key: Key, clock: Callable[[], datetime]) -> Iterator[Seal]:
    """Yield seals, each committed, until nothing is unsealed that was there at the beginning.

    Nothing changed: no seal.

    Raises:
        KeyFault: The key is not the listed one.
        IntegrityError: Other sealers were quicker ten times in a row.
    """
    last = Unsealed.objects.order_by("-pk").values_list("pk", flat=True).first()
    while last is not None and Unsealed.objects.filter(pk__lte=last).exists():
        made = seal(key=key, now=clock())
        if made is not None:
            yield made


def seal(*, key: Key, now: datetime) -> Seal | None:
    """Seal what up to 10,000 marks stand for; None if nothing had changed after all.

    Call outside a transaction: the seal commits by itself.

    Raises:
        KeyFault: The key is not the listed one.
    """
    admit(key=key, now=now)
    for tries_left in reversed(range(_TRIES)):
        try:
            with transaction.atomic():
                return _seal(key, now)
        except IntegrityError:  # another sealer took this number
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def admit(*, key: Key, now: datetime) -> None:
    """See that the key is listed; the first ever is listed by its use.

    Raises:
        KeyFault: Other keys are listed and this one is not.
    """
    if SealKey.objects.filter(pk=key.public).exists():
        return
    if SealKey.objects.exists():
        raise KeyFault(
            f"Key {key.public} is not listed. Let the key in use vouch for it:"
            " `manage.py audit_key introduce FILE`, with SEAL_KEY_FILE still naming the old one."
        )
    try:
        with transaction.atomic():
            introduce(new=key, by=None, now=now, reason="The first key.")
    except IntegrityError:
        admit(key=key, now=now)


def statement_of(seal: Seal) -> bytes:
    """Return what a seal states, as the bytes that are signed and digested."""
    return seal_statement(
        number=seal.number,
        sealed_at=seal.sealed_at,
        previous=seal.previous,
        root=seal.root,
        heads=seal.heads,
        entries=seal.entries,
        complete=seal.complete,
        key=seal.key,
    )


def _seal(key: Key, now: datetime) -> Seal | None:
    # First of all, which seal is the last: whatever another sealer commits from here on takes the
    # number that follows, and ours collides with it.
    last = Seal.objects.order_by("-number").first()
    marks = list(Unsealed.objects.order_by("pk").values_list("pk", flat=True)[: _MARKS + 1])
    if not marks:
        return None
    complete = len(marks) <= _MARKS
    marks = marks[:_MARKS]
    ends = [
        end for end in _ends(marks[0], marks[-1]) if end.sequence != end.since or not end.since
    ]
    made = _write(_next(last, ends, complete, key, now), ends, key) if ends else None
    for start in range(0, len(marks), _A_STATEMENT):
        Unsealed.objects.filter(pk__in=marks[start : start + _A_STATEMENT]).delete()
    return made


def _ends(first: int, last: int) -> list[_End]:
    """Return the ends of the chains marked in this range of ids, by one statement.

    More marks than those asked for may be visible by now; their chains are sealed too, and their
    marks stay for the next seal, which then finds nothing new.
    """
    entries = Entry.objects.filter(chain=OuterRef("chain")).order_by("-sequence")
    sealed = SealedHead.objects.filter(chain=OuterRef("chain")).order_by("-seal")
    rows: QuerySet[Unsealed, tuple[UUID, int | None, str | None, int | None]] = (
        Unsealed.objects.filter(pk__range=(first, last))
        .order_by()
        .values_list(
            "chain",
            Subquery(entries.values("sequence")[:1]),
            Subquery(entries.values("digest")[:1]),
            Subquery(sealed.values("sequence")[:1]),
        )
        .distinct()
    )
    ends = {
        chain: _End(chain, sequence or 0, digest or GENESIS, since or 0)
        for chain, sequence, digest, since in rows
    }
    return sorted(ends.values(), key=lambda end: end.chain.int)


def _next(
    last: Seal | None,
    ends: list[_End],
    complete: bool,  # noqa: FBT001
    key: Key,
    now: datetime,
) -> Seal:
    return Seal(
        number=1 if last is None else last.number + 1,
        sealed_at=now if last is None else max(now, last.sealed_at),
        previous=GENESIS if last is None else last.digest,
        root=root(
            head_leaf(chain=end.chain, sequence=end.sequence, digest=end.digest, since=end.since)
            for end in ends
        ),
        heads=len(ends),
        entries=sum(max(end.sequence - end.since, 0) for end in ends),
        complete=complete,
        key=key.public,
    )


def _write(made: Seal, ends: list[_End], key: Key) -> Seal:
    statement = statement_of(made)
    made.digest = sha256(statement)
    made.signature = key.sign(statement)
    made.save(force_insert=True)
    SealedHead.objects.bulk_create(
        [
            SealedHead(
                seal=made,
                position=position,
                chain=end.chain,
                sequence=end.sequence,
                digest=end.digest,
                since=end.since,
            )
            for position, end in enumerate(ends)
        ],
        batch_size=_A_STATEMENT,
    )
    return made
