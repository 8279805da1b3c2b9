"""What somebody with the database's password may do, once the guards are gone: raw SQL."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, models

from audit.canonical import digest
from audit.chain import GENESIS
from audit.models import Entry, Seal, SealedHead
from workflow.examples.declarations.models import Declaration
from workflow.models import Record

FAR = 100_000

SAID = [
    field for field in Entry._meta.concrete_fields if field.name not in {"id", "chain", "sequence"}
]


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What was done, and what must be found."""

    what: str
    kinds: frozenset[str]
    chain: UUID | None = None
    place: int | None = None
    seal: int | None = None
    is_exact: bool = True
    """Whether the first bad entry can be told exactly, rather than between two seals."""

    def is_found(
        self, *, kind: str, chain: UUID | None, first: Any, until: Any, unproved: Any, seal: Any
    ) -> bool:
        if kind not in self.kinds or chain != self.chain:
            return False
        if self.chain is None:
            return bool(seal == self.seal)
        if self.place is None:
            return True
        if self.is_exact:
            return (first, until) == (self.place, self.place)
        return first is not None and (unproved or first) <= self.place <= until


def execute(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))


def stored(field: models.Field[Any, Any], value: Any) -> Any:
    return field.get_db_prep_save(value, connection)


def write(row: models.Model, **values: Any) -> None:
    fields = [row._meta.get_field(name) for name in values]
    columns = ", ".join(f"{connection.ops.quote_name(each.column)} = %s" for each in fields)
    key = row._meta.pk
    execute(
        f"UPDATE {row._meta.db_table} SET {columns} WHERE {key.column} = %s",
        *(stored(each, value) for each, value in zip(fields, values.values(), strict=True)),
        stored(key, row.pk),
    )


def delete(row: models.Model) -> None:
    key = row._meta.pk
    execute(f"DELETE FROM {row._meta.db_table} WHERE {key.column} = %s", stored(key, row.pk))


def insert(row: models.Model) -> None:
    fields = [each for each in row._meta.concrete_fields if not each.primary_key]
    names = ", ".join(connection.ops.quote_name(each.column) for each in fields)
    execute(
        f"INSERT INTO {row._meta.db_table} ({names}) VALUES ({', '.join(['%s'] * len(fields))})",
        *(stored(each, getattr(row, each.attname)) for each in fields),
    )


def renumber(chain: UUID, *, start: int, by: int) -> None:
    field = Entry._meta.get_field("chain")
    for delta, first in ((FAR, start), (by - FAR, start + FAR)):
        execute(
            "UPDATE audit_entry SET sequence = sequence + %s WHERE chain = %s AND sequence >= %s",
            delta,
            stored(field, chain),
            first,
        )


def entries_of(chain: UUID) -> list[Entry]:
    return list(Entry.objects.filter(chain=chain).order_by("sequence"))


def other(rng: random.Random, field: models.Field[Any, Any], value: Any) -> Any:
    """Return another value that the column can hold."""
    match field:
        case models.UUIDField():
            return uuid4() if value is None or rng.random() < 0.7 else None
        case models.DateTimeField():
            return value + rng.choice([1, -1]) * timedelta(microseconds=rng.randint(1, 10**9))
        case models.PositiveIntegerField():
            return value + rng.randint(1, 9)
    if not value:
        return "x"
    at = rng.randrange(len(value))
    drawn = rng.choice("0123456789abcdefxyz".replace(value[at], ""))
    return value[:at] + drawn + value[at + 1 :]


def chain_from(rng: random.Random) -> tuple[UUID, list[Entry]]:
    chain = rng.choice(list(Record.objects.order_by("pk").values_list("pk", flat=True)))
    return chain, entries_of(chain)


def rehash(entries: list[Entry], *, start: int) -> None:
    """Recompute digests from a place on, as an attacker who has read the code does."""
    previous = GENESIS if start == 0 else entries[start - 1].digest
    for row in entries[start:]:
        row.previous = previous
        row.digest = previous = digest(row)
        write(row, previous=row.previous, digest=row.digest)


# --- Deeds ---------------------------------------------------------------------------------------


def edit(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    row, field = rng.choice(rows), rng.choice(SAID)
    value = getattr(row, field.attname)
    write(row, **{field.name: other(rng, field, value)})
    return Deed(
        what=f"edit {field.name}",
        kinds=frozenset({"edited"}),
        chain=chain,
        place=row.sequence,
        # With its digest gone, the fault shows here or at the one that names it.
        is_exact=field.name not in {"digest", "previous"},
    )


def edit_with_digest(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    at = rng.randrange(len(rows))
    rows[at].reason += "!"
    write(rows[at], reason=rows[at].reason)
    rehash(rows[: at + 1], start=at)
    return Deed(
        what="edit, digest too",
        kinds=frozenset({"edited"}),
        chain=chain,
        place=at + 1,
        is_exact=False,
    )


def edit_and_recompute(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    at = rng.randrange(len(rows))
    rows[at].actor = "Eve"
    write(rows[at], actor="Eve")
    rehash(rows, start=at)
    return Deed(
        what="edit, all digests too",
        kinds=frozenset({"edited"}),
        chain=chain,
        place=at + 1,
        is_exact=False,
    )


def remove(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    row = rng.choice(rows)
    delete(row)
    kinds = {"cut off"} if row is rows[-1] else {"missing"}
    return Deed(what="remove", kinds=frozenset(kinds), chain=chain, place=row.sequence)


def remove_and_close_up(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    row = rng.choice(rows)
    delete(row)
    renumber(chain, start=row.sequence + 1, by=-1)
    kinds = {"cut off"} if row is rows[-1] else {"missing"}
    return Deed(what="close up", kinds=frozenset(kinds), chain=chain, place=row.sequence)


def remove_and_recompute(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    at = rng.randrange(len(rows))
    delete(rows[at])
    renumber(chain, start=at + 2, by=-1)
    rehash(entries_of(chain), start=at)
    return Deed(
        what="remove, all digests too",
        kinds=frozenset({"edited", "cut off"}),
        chain=chain,
        place=at + 1,
        is_exact=at == len(rows) - 1,
    )


def truncate(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    kept = rng.randrange(len(rows))
    for row in rows[kept:]:
        delete(row)
    return Deed(what="truncate", kinds=frozenset({"cut off"}), chain=chain, place=kept + 1)


def vanish(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    for row in rows:
        delete(row)
    execute("DELETE FROM declarations_declaration WHERE record_id = %s", key_of(chain))
    return Deed(what="vanish", kinds=frozenset({"cut off"}), chain=chain, place=1)


def key_of(chain: UUID) -> Any:
    return stored(Record._meta.pk, chain)


def forged(chain: UUID, place: int, previous: str, rng: random.Random, **values: Any) -> Entry:
    model = rng.choice(entries_of(chain))
    row = Entry(**{each.attname: getattr(model, each.attname) for each in SAID})
    row.chain, row.sequence, row.previous, row.reason = chain, place, previous, "Forged."
    for name, value in values.items():
        setattr(row, name, value)
    row.digest = digest(row)
    return row


def put_in(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    place = rng.randint(1, len(rows))
    previous = rows[place - 2].digest if place > 1 else GENESIS
    renumber(chain, start=place, by=1)
    row = forged(chain, place, previous, rng)
    if rng.random() < 0.5:
        row.digest = "0" * 64
    insert(row)
    return Deed(what="put in", kinds=frozenset({"inserted"}), chain=chain, place=place)


def add_backdated(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    at = rows[-1].at - timedelta(hours=rng.randint(2, 2000))
    insert(forged(chain, len(rows) + 1, rows[-1].digest, rng, at=at, new=""))
    return Deed(
        what="add backdated", kinds=frozenset({"inserted"}), chain=chain, place=len(rows) + 1
    )


def swap(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    one, two = sorted(rng.sample(rows, 2), key=lambda row: row.sequence)
    write(one, sequence=FAR)
    write(two, sequence=one.sequence)
    write(one, sequence=two.sequence)
    return Deed(what="swap", kinds=frozenset({"reordered"}), chain=chain, place=one.sequence)


def displace(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    row = rng.choice(rows)
    write(row, sequence=row.sequence + FAR)
    return Deed(what="displace", kinds=frozenset({"reordered"}), chain=chain, place=row.sequence)


def give_away(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    row = rng.choice(rows)
    write(row, chain=uuid4())
    kinds = {"cut off"} if row is rows[-1] else {"missing"}
    return Deed(what="give away", kinds=frozenset(kinds), chain=chain, place=row.sequence)


def move_status(rng: random.Random) -> Deed:
    chain, _ = chain_from(rng)
    record = Record.objects.get(pk=chain)
    write(record, status="done", version=record.version + 1)
    return Deed(what="status", kinds=frozenset({"unexplained"}), chain=chain)


def forge_transition(rng: random.Random) -> Deed:
    """The trail says it, dated now and well chained, but no envelope did it."""
    chain, rows = chain_from(rng)
    insert(
        forged(
            chain,
            len(rows) + 1,
            rows[-1].digest,
            rng,
            action="fired",
            new="done",
            at=rows[-1].at + timedelta(seconds=5),
            transition_id=uuid4(),
        )
    )
    return Deed(what="forge a transition", kinds=frozenset({"unexplained"}), chain=chain)


def change_field(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    history = Declaration.history.filter(record_id=chain).order_by("history_id")
    row = rng.choice(list(history))
    name = rng.choice(["amount", "purpose", "receipts", "budget_number", "expense_date"])
    value = {
        "amount": row.amount + 1,
        "purpose": row.purpose + "!",
        "receipts": row.receipts + 1,
        "budget_number": "B-2",
        "expense_date": row.expense_date + timedelta(days=1),
    }[name]
    write(row, **{name: value})
    told = {entry.transition_id: entry.sequence for entry in rows if entry.action == "fired"}
    place = told[row.transition_id] if row.transition_id else 1
    return Deed(what=f"field {name}", kinds=frozenset({"edited"}), chain=chain, place=place)


def lose_field_history(rng: random.Random) -> Deed:
    chain, rows = chain_from(rng)
    row = rng.choice(list(Declaration.history.filter(record_id=chain).order_by("history_id")))
    delete(row)
    told = {entry.transition_id: entry.sequence for entry in rows if entry.action == "fired"}
    place = told[row.transition_id] if row.transition_id else 1
    return Deed(what="field history", kinds=frozenset({"missing"}), chain=chain, place=place)


def alter_seal(rng: random.Random) -> Deed:
    seal = rng.choice(list(Seal.objects.order_by("number")))
    name = rng.choice(["root", "previous", "digest", "signature", "heads", "entries"])
    value = getattr(seal, name)
    changed = (
        value + 1 if isinstance(value, int) else ("1" if value[0] == "0" else "0") + value[1:]
    )
    write(seal, **{name: changed})
    return Deed(what=f"seal {name}", kinds=frozenset({"seal broken"}), seal=seal.number)


def lose_seal(rng: random.Random) -> Deed:
    """Not the newest: that takes an anchor to see, and has a test of its own."""
    number = rng.randrange(1, Seal.objects.count())
    for head in SealedHead.objects.filter(seal=number):
        delete(head)
    delete(Seal.objects.get(pk=number))
    return Deed(what="lose a seal", kinds=frozenset({"seal broken"}), seal=number)


def alter_head(rng: random.Random) -> Deed:
    head = rng.choice(list(SealedHead.objects.order_by("pk")))
    name = rng.choice(["sequence", "digest", "since"])
    value = {"sequence": head.sequence + 1, "digest": "0" * 64, "since": head.since + 1}[name]
    write(head, **{name: value})
    return Deed(what=f"head {name}", kinds=frozenset({"seal broken"}), seal=head.seal_id)


ON_CHAINS: tuple[Callable[[random.Random], Deed], ...] = (
    edit, edit, edit, edit_with_digest, edit_and_recompute, remove, remove_and_close_up,
    remove_and_recompute, truncate, truncate, vanish, put_in, put_in, add_backdated, swap, swap,
    displace, give_away, move_status, forge_transition, change_field, lose_field_history,
)  # fmt: skip
ON_SEALS: tuple[Callable[[random.Random], Deed], ...] = (alter_seal, lose_seal, alter_head)
DEEDS = ON_CHAINS + ON_SEALS
