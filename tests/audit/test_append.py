"""Writing to chains: what an entry holds, how many statements it takes, who wins a race."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from audit import chain as chains
from audit.chain import GENESIS, Head, append, heads
from audit.models import Entry
from audit.verify import verify_all
from tests.audit.rows import make_chain, note
from workflow.testing.guards import lifted

WRITERS = 4


@pytest.mark.django_db
class TestAppending:
    def test_an_entry_says_what_its_note_says(self) -> None:
        said = note(uuid4(), evidence={"b": [1, None], "a": "é"})
        append([said])
        kept = Entry.objects.get()
        for name in ("chain", "at", "action", "actor_id", "actor", "reason", "old", "new"):
            assert getattr(kept, name) == getattr(said, name), name
        assert kept.transition_id == said.transition_id
        assert kept.correlation_id == said.correlation_id
        assert kept.evidence == '{"a":"\\u00e9","b":[1,null]}'
        assert json.loads(kept.evidence) == said.evidence
        assert (kept.sequence, kept.previous) == (1, GENESIS)

    def test_notes_of_one_chain_follow_each_other_in_their_order(self) -> None:
        one, two = uuid4(), uuid4()
        append([note(one, 1), note(two, 1), note(one, 2)])
        append([note(one, 3), note(one, 4), note(two, 2)])
        for chain, length in ((one, 4), (two, 2)):
            rows = list(Entry.objects.filter(chain=chain).order_by("sequence"))
            assert [row.new for row in rows] == [f"step {n}" for n in range(1, length + 1)]
            assert [row.previous for row in rows] == [GENESIS, *[row.digest for row in rows[:-1]]]
        assert verify_all().is_sound

    def test_the_head_is_the_last_entry_of_each_chain_that_has_one(self) -> None:
        long, short, absent = make_chain(12), make_chain(1), uuid4()
        found = heads([long, short, absent])
        assert {chain: head.sequence for chain, head in found.items()} == {long: 12, short: 1}
        assert found[long] == Head(12, Entry.objects.get(chain=long, sequence=12).digest)

    def test_a_chain_that_has_lost_its_first_entry_goes_on_at_its_end(self) -> None:
        """The gap stays, for the verifier to find."""
        maimed, whole = make_chain(3), make_chain(3)
        with lifted(connection):
            Entry.objects.filter(chain=maimed, sequence=1).delete()
        assert {head.sequence for head in heads([maimed, whole]).values()} == {3}
        append([note(maimed)])
        assert list(
            Entry.objects.filter(chain=maimed)
            .order_by("sequence")
            .values_list("sequence", flat=True)
        ) == [2, 3, 4]
        assert not verify_all().is_sound

    def test_more_chains_than_one_statement_asks_for(self) -> None:
        many = [uuid4() for _ in range(chains._HEADS_A_STATEMENT + 3)]
        for _ in range(2):
            append([note(chain) for chain in many])
        assert {head.sequence for head in heads(many).values()} == {2}
        assert verify_all().entries == 2 * len(many)
        assert verify_all().is_sound

    @pytest.mark.parametrize("count", [1, 50])
    def test_three_statements_for_any_number_of_chains(
        self, count: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        many = [make_chain(3) for _ in range(count)]
        with django_assert_num_queries(3):
            append([note(chain, 4) for chain in many])

    def test_nothing_to_note_asks_nothing(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(0):
            append([])

    def test_what_rolls_back_leaves_no_entry(self) -> None:
        chain = make_chain(1)
        with transaction.atomic():
            append([note(chain, 2)])
            transaction.set_rollback(True)
        append([note(chain, 2)])
        assert verify_all(chain=chain).entries == 2
        assert verify_all().is_sound


def at_once(act: Callable[[int], Any], count: int = WRITERS) -> list[Any]:
    """Let threads with connections of their own go at one moment; return what they return."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.django_db(transaction=True)
class TestWritersAtOnce:
    def test_writers_that_read_the_same_head_cannot_both_extend_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chain = make_chain(2)
        everyone_has_read = threading.Barrier(WRITERS)

        def read_together(wanted: Any) -> dict[UUID, Head]:
            found = heads(wanted)
            everyone_has_read.wait(timeout=30)
            return found

        monkeypatch.setattr(chains, "heads", read_together)

        def extend(number: int) -> bool:
            try:
                append([note(chain, new=f"{number}/{place}") for place in (3, 4)])
            except IntegrityError:
                return False
            return True

        won = at_once(extend)
        assert sum(won) == 1
        (winner,) = [number for number, has_won in enumerate(won) if has_won]
        rows = Entry.objects.filter(chain=chain, sequence__gt=2).order_by("sequence")
        assert [row.new for row in rows] == [f"{winner}/3", f"{winner}/4"]
        assert verify_all().is_sound

    def test_writers_that_start_again_make_one_unforked_chain(self) -> None:
        chain = uuid4()
        rounds = 8

        def write(number: int) -> int:
            collisions = 0
            for place in range(rounds):
                while True:
                    try:
                        with transaction.atomic():
                            append([note(chain, new=f"{number}/{place}")])
                    except IntegrityError:
                        collisions += 1
                    else:
                        break
            return collisions

        at_once(write)
        rows = list(Entry.objects.filter(chain=chain).order_by("sequence"))
        assert [row.sequence for row in rows] == list(range(1, WRITERS * rounds + 1))
        assert len({row.previous for row in rows}) == len(rows), "two entries follow on one"
        for number in range(WRITERS):
            own = [row.new for row in rows if row.new.startswith(f"{number}/")]
            assert own == [f"{number}/{place}" for place in range(rounds)]
        assert verify_all().is_sound

    def test_a_writer_that_lost_leaves_nothing_of_its_transaction(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What it entered on other chains goes with it."""
        contested, aside = make_chain(1), uuid4()
        read_too_early = heads([contested])
        append([note(contested, 2)])
        monkeypatch.setattr(chains, "heads", lambda _: read_too_early)
        with pytest.raises(IntegrityError), transaction.atomic():
            append([note(aside), note(contested, 2)])
        assert not Entry.objects.filter(chain=aside).exists()
        assert verify_all().entries == 2
