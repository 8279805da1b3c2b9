"""E3: whatever is done to a chain is found, and the first bad entry named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, models

from audit.canonical import digest
from audit.chain import GENESIS
from audit.models import Entry
from audit.verify import Fault, Kind, Report, reading, verify, verify_all
from tests.audit.rows import entry, forge, insert, make_chain, remove, shift

pytestmark = pytest.mark.django_db

COLUMNS = [field for field in Entry._meta.concrete_fields if not field.primary_key]
PLACED = {"chain", "sequence"}
"""An entry that is taken out of its place is missed there, which names another entry."""

SAID = [field for field in COLUMNS if field.name not in PLACED]
EMPTIED = [field for field in SAID if field.blank]


def other(field: models.Field[Any, Any], value: Any) -> Any:
    """Return the least different value that a column can hold."""
    match field:
        case models.UUIDField():
            return UUID(int=value.int ^ 1)
        case models.DateTimeField():
            return value + timedelta(microseconds=1)
        case models.PositiveIntegerField():
            return value + 1000
        case _:
            swapped = "y" if value.endswith("x") else "x"
            return value[:-1] + swapped


def name(field: models.Field[Any, Any]) -> str:
    return field.name


def only_fault() -> Fault:
    (found,) = verify_all().faults
    return found


@pytest.mark.parametrize("place", [1, 3, 5])
@pytest.mark.parametrize("field", SAID, ids=name)
def test_an_edited_column_is_found_and_named(field: models.Field[Any, Any], place: int) -> None:
    chain = make_chain(5)
    target = entry(chain, place)
    forge(target, **{field.name: other(field, getattr(target, field.name))})
    found = only_fault()
    assert (found.kind, found.chain, found.sequence) == (Kind.EDITED, chain, place)
    assert f"entry {place} " in found.message


@pytest.mark.parametrize("field", EMPTIED, ids=name)
def test_an_emptied_column_is_found(field: models.Field[Any, Any]) -> None:
    chain = make_chain(3)
    forge(entry(chain, 2), **{field.name: None if field.null else ""})
    assert only_fault().sequence == 2
    assert "was altered" in only_fault().message


@pytest.mark.parametrize("field", EMPTIED, ids=name)
def test_a_filled_column_is_found(field: models.Field[Any, Any]) -> None:
    """What was left empty was left empty on purpose."""
    chain = make_chain(1)
    filled = getattr(entry(chain, 1), field.name)
    bare = uuid4()
    insert(bare, place=1, previous=GENESIS)
    assert verify_all().is_sound
    forge(entry(bare, 1), **{field.name: filled})
    assert only_fault().chain == bare


@pytest.mark.parametrize("place", [1, 3, 5])
@pytest.mark.parametrize("column", sorted(PLACED))
def test_an_entry_out_of_its_place_is_found(column: str, place: int) -> None:
    chain = make_chain(5)
    target = entry(chain, place)
    field = Entry._meta.get_field(column)
    forge(target, **{column: other(field, getattr(target, column))})
    assert not verify_all().is_sound


def test_an_entry_moved_to_a_chain_of_its_own_is_found() -> None:
    """As the first of another chain its place and predecessor would be right."""
    target = entry(make_chain(1), 1)
    forge(target, chain=uuid4())
    assert "entry 1 was altered" in only_fault().message


def test_a_removed_entry_is_missed() -> None:
    chain = make_chain(5)
    remove(entry(chain, 3))
    found = only_fault()
    assert (found.kind, found.sequence) == (Kind.MISSING, 3)
    assert found.message == "entry 3 is missing before entry 4"


def test_a_removed_first_entry_is_missed() -> None:
    chain = make_chain(2)
    remove(entry(chain, 1))
    assert only_fault().message == "entry 1 is missing before entry 2"


def test_a_removed_entry_is_found_when_the_others_close_up() -> None:
    chain = make_chain(5)
    remove(entry(chain, 3))
    shift(chain, start=4, by=-1)
    found = only_fault()
    assert (found.kind, found.sequence) == (Kind.MISSING, 3)
    assert "it was written as entry 4" in found.message


@pytest.mark.parametrize("place", [1, 2, 4])
def test_an_inserted_entry_is_found(place: int) -> None:
    """The forged one is consistent in itself and with the one before it."""
    chain = make_chain(4)
    previous = entry(chain, place - 1).digest if place > 1 else GENESIS
    shift(chain, start=place, by=1)
    insert(chain, place=place, previous=previous)
    found = only_fault()
    assert (found.kind, found.sequence, found.until) == (Kind.INSERTED, place, place)
    assert f"so entry {place} has been put in" in found.message


@pytest.mark.parametrize(("one", "two"), [(1, 2), (2, 4), (4, 5)])
def test_swapped_entries_are_found(one: int, two: int) -> None:
    chain = make_chain(5)
    first, second = entry(chain, one), entry(chain, two)
    forge(first, sequence=1000)
    forge(second, sequence=one)
    forge(first, sequence=two)
    found = only_fault()
    assert (found.kind, found.sequence) == (Kind.REORDERED, one)
    assert f"the one that does stands at {two}" in found.message


def test_an_altered_entry_with_a_digest_to_match_breaks_the_next_one() -> None:
    chain = make_chain(3)
    target = entry(chain, 2)
    target.actor = "Eve"
    forge(target, actor="Eve", digest=digest(target))
    found = only_fault()
    assert (found.kind, found.sequence, found.until) == (Kind.EDITED, 2, 3)


def test_the_first_bad_entry_is_named_and_no_other() -> None:
    chain = make_chain(5)
    for place in (4, 2, 5):
        forge(entry(chain, place), reason="another")
    assert only_fault().sequence == 2


def test_a_broken_chain_does_not_hide_or_spoil_others() -> None:
    chains = sorted(make_chain(3) for _ in range(4))
    forge(entry(chains[0], 3), actor="Eve")
    forge(entry(chains[2], 1), actor="Eve")
    report = verify_all()
    assert [(found.chain, found.sequence) for found in report.faults] == [
        (chains[0], 3),
        (chains[2], 1),
    ]
    assert (report.chains, report.entries) == (4, 12)


def test_one_chain_is_verified_alone() -> None:
    good, bad = make_chain(2), make_chain(3)
    forge(entry(bad, 2), actor="Eve")
    assert verify_all(chain=good).is_sound
    assert verify_all(chain=good).entries == 2
    assert not verify_all(chain=bad).is_sound


def test_an_empty_trail_is_sound_and_says_how_little_was_read() -> None:
    report = verify_all()
    assert report.is_sound
    assert (report.chains, report.entries) == (0, 0)


@pytest.mark.parametrize("page", [1, 2, 3, 7])
def test_chains_may_span_pages(monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(reading, "PAGE", page)
    chains = sorted([make_chain(3), make_chain(2), make_chain(1)])
    forge(entry(chains[2], 1), actor="Eve")
    report = verify_all()
    assert (report.entries, report.chains) == (6, 3)
    assert [found.chain for found in report.faults] == [chains[2]]


def test_it_goes_on_after_a_chain() -> None:
    chains = sorted(make_chain(2) for _ in range(4))
    *_, report = verify(report=Report(position=chains[1], entries=4, chains=2))
    assert (report.entries, report.chains, report.position) == (8, 4, chains[3])


@pytest.mark.skipif(connection.vendor != "sqlite", reason="An integer's column holds integers.")
@pytest.mark.parametrize("place", ["0.5", "1.5", "3.5", "'3x'", "x'03'"])
def test_a_place_that_is_no_whole_number_is_found_and_does_not_hold_up(place: str) -> None:
    chain, other_chain = make_chain(3), make_chain(2)
    copied = ", ".join(field.column for field in SAID)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO audit_entry (chain, sequence, {copied})"
            f" SELECT chain, {place}, {copied} FROM audit_entry WHERE chain = %s AND sequence = 2",
            [chain.hex],
        )
    found = only_fault()
    assert (found.kind, found.chain) == (Kind.INSERTED, chain)
    assert "which is no whole number" in found.message
    assert verify_all(chain=other_chain).is_sound
