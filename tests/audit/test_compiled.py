"""Statements that are compiled once: what is filled in, and that nothing else ever goes out."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.db.models import Q
from django.db.models.sql import Query

from audit import chain
from audit.compiled import Compiled, _gathered, change_of
from audit.models import Entry, Unsealed

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 31, 8, tzinfo=UTC)


@pytest.fixture
def chains() -> list[UUID]:
    names = [uuid4() for _ in range(5)]
    chain.append([chain.Note(chain=name, at=AT, action="started", actor="w") for name in names])
    return names


def said(*, chains: list[UUID], until: datetime) -> Query:
    entries = Entry.objects.filter(chain__in=chains, at__lte=until).order_by("chain")
    return entries.values_list("chain", "at", "actor").query


@pytest.mark.parametrize("count", range(6))
def test_lists_of_any_length_are_filled_in(chains: list[UUID], count: int) -> None:
    statement = Compiled(said)
    for _ in range(2):  # as it is compiled, and as it is known
        rows = statement.rows(chains=chains[:count], until=AT)
        assert rows == [(name, AT, "w") for name in sorted(chains[:count])]
    assert statement.rows(chains=chains[:count], until=AT - timedelta(seconds=1)) == []


def test_values_are_those_of_each_call(chains: list[UUID]) -> None:
    statement = Compiled(said)
    for name in chains:
        assert [found for found, *_ in statement.rows(chains=[name], until=AT)] == [name]


def test_changes_are_counted_once_whatever_fills_the_list(chains: list[UUID]) -> None:
    def drop(*, chains: list[UUID], other: UUID) -> Query:
        return change_of(Unsealed.objects.filter(chain__in=chains), chain=other)

    assert Compiled(drop).change(chains=chains[:3], other=uuid4()) == 3
    assert Compiled(drop).change(chains=[], other=uuid4()) == 0


@pytest.mark.parametrize("lost", ["left out", "changed"])
def test_a_value_that_has_no_place_is_noticed(lost: str) -> None:
    """Its mark would go to the database in its stead."""

    def build(*, chain: UUID, actor: str) -> Query:
        rows = Entry.objects.filter(chain=chain)
        return (rows.filter(actor=actor.upper()) if lost == "changed" else rows).query

    with pytest.raises(AssertionError, match="does not have its actor"):
        Compiled(build).rows(chain=uuid4(), actor="w")


def test_only_lists_that_are_filled_in_become_arrays(chains: list[UUID]) -> None:
    """Others keep their places, before and after."""

    def build(*, some: list[UUID], until: datetime, numbers: list[int]) -> Query:
        rows = Entry.objects.filter(action__in=["started", "ended"], chain__in=some)
        rows = rows.exclude(sequence__in=numbers).filter(at__lte=until, actor__in=["w", "x"])
        return rows.order_by("chain").values_list("chain").query

    statement = Compiled(build)
    for count in range(1, 6):
        rows = statement.rows(some=chains[:count], until=AT, numbers=[7, 8, 9])
        assert rows == [(name,) for name in sorted(chains[:count])]
        assert statement.rows(some=chains[:count], until=AT, numbers=[3, 2, 1]) == []
    if connection.vendor == "postgresql":
        one, more = statement._known.statements.values()
        assert one is not None
        assert more is not None
        assert one.sql.count("= ANY(%s)") == 1  # a list of one key is none
        assert more.sql.count("= ANY(%s)") == 2
        for known in (one, more):
            assert len(known.parts) == known.sql.count("%s")


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite gets no arrays.")
def test_a_list_that_is_no_array_is_noticed() -> None:
    """Its statement would have the places of two, whatever its length."""

    def build(*, some: list[UUID]) -> Query:
        either = Q(chain=some[0]) | Q(chain=some[1])
        return Entry.objects.filter(either).query

    with pytest.raises(AssertionError, match="the list of some stands in no IN of its own"):
        Compiled(build).rows(some=[uuid4() for _ in range(3)])


def test_a_place_that_is_overlooked_is_noticed() -> None:
    """All that follow would be filled with each other's values."""
    with pytest.raises(AssertionError, match="2 places are seen for 1 parameters"):
        _gathered("actor LIKE '%%s' AND chain = %s", [7], [(0, "chain", 0)])


def test_a_thread_compiles_for_its_own_connection() -> None:
    statement, seen = Compiled(said), []

    def ask() -> None:
        seen.append(len(statement._known.statements))

    statement.rows(chains=[uuid4()], until=AT)
    ask()
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert seen == [1, 0]


def test_one_that_was_built_is_not_built_again(chains: list[UUID]) -> None:
    built: list[Any] = []

    def noted(**values: Any) -> Query:
        built.append(len(values["chains"]))
        return said(**values)

    statement = Compiled(noted)
    for count in (1, 2, 3, 4, 5, 3, 2, 1):
        statement.rows(chains=chains[:count], until=AT)
    assert built == ([1, 2] if connection.vendor == "postgresql" else [1, 4, 16])
    assert connection.vendor in str(statement._known.statements)
