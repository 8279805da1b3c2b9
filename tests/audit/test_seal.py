"""Seals: what is sealed cannot be cut off unnoticed, and nothing escapes being sealed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from audit import seal as sealing
from audit.chain import append
from audit.keys import Key, KeyFault, introduce
from audit.models import Entry, Seal, SealedHead, SealKey, Unsealed
from audit.verify import Kind, check_chain, verify_all
from tests.audit.rows import NOW, entry, insert, make_chain, note, remove
from tests.audit.sealing import LATER, erase, overwrite, sealed

pytestmark = pytest.mark.django_db


def faults() -> list[tuple[Kind, object]]:
    return [(each.kind, each.sequence or each.seal) for each in verify_all().faults]


class TestSealing:
    def test_every_end_is_covered_and_the_marks_are_gone(self, key: Key) -> None:
        chains = {make_chain(places): places for places in (1, 3, 5)}
        (made,) = sealed(key)
        assert (made.number, made.heads, made.entries, made.complete) == (1, 3, 9, True)
        heads = {head.chain: (head.sequence, head.since) for head in SealedHead.objects.all()}
        assert heads == {chain: (places, 0) for chain, places in chains.items()}
        assert not Unsealed.objects.exists()
        assert verify_all().is_sound
        assert verify_all().unsealed == 0

    def test_nothing_changed_no_seal(self, key: Key) -> None:
        make_chain(2)
        assert len(sealed(key)) == 1
        assert sealed(key) == []

    def test_the_next_one_covers_what_changed_and_follows_on(self, key: Key) -> None:
        quiet, busy = make_chain(2), make_chain(2)
        (first,) = sealed(key)
        append([note(busy, 3)])
        (second,) = sealed(key)
        assert (second.number, second.previous, second.entries) == (2, first.digest, 1)
        (head,) = SealedHead.objects.filter(seal=second)
        assert (head.chain, head.sequence, head.since) == (busy, 3, 2)
        assert check_chain(quiet).is_sound
        assert verify_all().is_sound

    def test_it_costs_what_changed(
        self, key: Key, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        chains = [make_chain(3) for _ in range(60)]
        sealed(key)
        append([note(chains[7], 4)])
        with django_assert_max_num_queries(16) as captured:
            sealed(key)
        assert SealedHead.objects.count() == 61
        assert all(
            "audit_entry" not in each["sql"] or "audit_unsealed" in each["sql"]
            for each in captured.captured_queries
        )

    def test_many_marks_make_several_seals(
        self, key: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sealing, "_MARKS", 4)
        for _ in range(10):
            make_chain(1)
        made = sealed(key, LATER + timedelta(days=30))
        assert [(each.heads, each.complete) for each in made] == [
            (4, False),
            (4, False),
            (2, True),
        ]
        assert verify_all().is_sound

    def test_time_does_not_go_back(self, key: Key) -> None:
        make_chain(1)
        sealed(key, LATER)
        make_chain(1)
        (second,) = sealed(key, NOW)
        assert second.sealed_at == LATER


class TestFinding:
    @pytest.mark.parametrize("left", [0, 1, 4])
    def test_a_cut_tail(self, key: Key, left: int) -> None:
        chain = make_chain(5)
        sealed(key)
        for place in range(left + 1, 6):
            remove(entry(chain, place))
        assert faults() == [(Kind.CUT_OFF, left + 1)]
        assert check_chain(chain).faults == verify_all().faults

    def test_a_tail_cut_and_grown_again(self, key: Key) -> None:
        chain = make_chain(5)
        sealed(key)
        for place in (4, 5):
            remove(entry(chain, place))
        append([note(chain, place) for place in (4, 5, 6)])
        (fault,) = verify_all().faults
        assert (fault.kind, fault.sequence, fault.until) == (Kind.EDITED, 1, 5)

    def test_a_chain_recomputed_from_an_edit_on(self, key: Key) -> None:
        chain = make_chain(2)
        sealed(key)
        append([note(chain, 3)])
        sealed(key)
        append([note(chain, 4), note(chain, 5)])
        sealed(key)
        rows = list(Entry.objects.filter(chain=chain, sequence__gte=3))
        for row in rows:
            remove(row)
        append([note(chain, row.sequence, reason="Another.") for row in rows])
        (fault,) = verify_all().faults
        assert (fault.kind, fault.sequence, fault.until, fault.seal) == (Kind.EDITED, 3, 3, 2)

    def test_what_was_cut_off_before_it_was_sealed(self, key: Key) -> None:
        """The mark outlives the entries."""
        chain = make_chain(1)
        remove(entry(chain, 1))
        sealed(key)
        assert faults() == [(Kind.CUT_OFF, 1)]
        assert "found no entry" in verify_all().faults[0].message

    def test_an_entry_put_in_after_a_seal_and_dated_before(self, key: Key) -> None:
        chain = make_chain(3)
        sealed(key, LATER)
        insert(chain, place=4, previous=entry(chain, 3).digest)
        assert faults() == [(Kind.INSERTED, 4)]

    def test_an_entry_kept_from_the_sealer(self, key: Key) -> None:
        make_chain(1)
        hidden = make_chain(2)
        Unsealed.objects.filter(chain=hidden).delete()
        sealed(key, LATER)
        (fault,) = verify_all().faults
        assert (fault.kind, fault.chain, fault.sequence) == (Kind.INSERTED, hidden, 1)

    def test_one_that_is_merely_late_is_no_fault(self, key: Key) -> None:
        make_chain(1)
        sealed(key, NOW + timedelta(minutes=59))
        make_chain(1)
        assert verify_all().is_sound
        sealed(key, NOW + timedelta(days=1))
        assert verify_all().is_sound


SAID = [
    "sealed_at",
    "root",
    "heads",
    "entries",
    "complete",
    "key",
    "digest",
    "signature",
    "previous",
]


class TestBreaking:
    @pytest.fixture
    def three(self, key: Key) -> list[Seal]:
        made = []
        for day in range(3):
            make_chain(2)
            make_chain(1)
            made += sealed(key, NOW + timedelta(minutes=day))
        assert verify_all().is_sound
        return made

    @pytest.mark.parametrize("name", SAID)
    def test_an_altered_seal(self, three: list[Seal], name: str) -> None:
        value = getattr(three[1], name)
        match value:
            case bool():
                other: object = not value
            case int():
                other = value + 1
            case str():
                other = ("1" if value.startswith("0") else "0") + value[1:]
            case _:
                other = value + timedelta(microseconds=1)
        overwrite(three[1], **{name: other})
        assert (Kind.SEAL_BROKEN, 2) in faults()

    @pytest.mark.parametrize("name", ["sequence", "digest", "since", "chain", "position"])
    def test_an_altered_head(self, three: list[Seal], name: str) -> None:
        head = SealedHead.objects.filter(seal=2).order_by("position").first()
        other = {
            "sequence": head.sequence + 1,
            "digest": "0" * 64,
            "since": 1,
            "chain": uuid4(),
            "position": 7,
        }[name]
        overwrite(head, **{name: other})
        assert (Kind.SEAL_BROKEN, 2) in faults()

    def test_a_head_that_is_gone(self, three: list[Seal]) -> None:
        erase(SealedHead.objects.filter(seal=2).first())
        assert faults() == [(Kind.SEAL_BROKEN, 2)]

    def test_a_seal_that_is_gone(self, three: list[Seal]) -> None:
        for head in SealedHead.objects.filter(seal=2):
            erase(head)
        erase(three[1])
        assert faults() == [(Kind.SEAL_BROKEN, 2)]
        assert "seal 2 before seal 3 is gone" in verify_all().faults[0].message

    def test_a_seal_signed_by_somebody_else(self, three: list[Seal], successor: Key) -> None:
        last = three[-1]
        last.key = successor.public
        statement = sealing.statement_of(last)
        overwrite(
            last,
            key=last.key,
            digest=sealing.sha256(statement),
            signature=successor.sign(statement),
        )
        assert faults() == [(Kind.SEAL_BROKEN, 3)]
        assert "no trusted key vouches" in verify_all().faults[0].message
        introduce(new=successor, by=None, now=LATER, reason="The thief's.")
        assert faults() == [(Kind.SEAL_BROKEN, 3)]


class TestKeys:
    def test_an_unlisted_key_seals_nothing(self, key: Key, successor: Key) -> None:
        make_chain(1)
        sealed(key)
        make_chain(1)
        with pytest.raises(KeyFault, match="is not listed"):
            sealed(successor)
        assert Seal.objects.count() == 1

    def test_rotation(self, key: Key, successor: Key) -> None:
        make_chain(1)
        sealed(key)
        introduce(new=successor, by=key, now=LATER)
        make_chain(1)
        sealed(successor)
        assert verify_all().is_sound
        assert [row.public for row in SealKey.objects.all()] == [key.public, successor.public]

    def test_only_the_pinned_key_and_its_heirs_are_trusted(
        self, key: Key, successor: Key, settings: object
    ) -> None:
        make_chain(1)
        sealed(key)
        settings.AUDIT = {"TRUSTED_KEYS": [successor.public]}  # type: ignore[attr-defined]
        assert faults() == [(Kind.SEAL_BROKEN, 1)]
        settings.AUDIT = {"TRUSTED_KEYS": [key.public]}  # type: ignore[attr-defined]
        assert verify_all().is_sound
        introduce(new=successor, by=key, now=LATER)
        make_chain(1)
        sealed(successor)
        assert verify_all().is_sound
        row = SealKey.objects.get(pk=successor.public)
        overwrite(row, endorsement="00" * 64)
        assert faults() == [(Kind.SEAL_BROKEN, 2)]


@pytest.mark.django_db(transaction=True)
class TestConcurrency:
    @pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one writer at a time.")
    def test_what_commits_after_a_seal_with_lower_ids_is_in_the_next(self, key: Key) -> None:
        inserted, sealed_meanwhile = threading.Event(), threading.Event()
        slow = uuid4()

        def late() -> None:
            with transaction.atomic():
                append([note(slow)])
                inserted.set()
                assert sealed_meanwhile.wait(20)
            connection.close()

        thread = threading.Thread(target=late)
        thread.start()
        assert inserted.wait(20)
        quick = make_chain(1)
        sealed(key)
        assert [head.chain for head in SealedHead.objects.all()] == [quick]
        sealed_meanwhile.set()
        thread.join()
        assert entry(slow, 1).pk < entry(quick, 1).pk
        sealed(key)
        assert {head.chain for head in SealedHead.objects.all()} == {quick, slow}
        assert verify_all().is_sound
        assert verify_all().unsealed == 0

    def test_many_sealers_and_writers_leave_nothing_out(self, key: Key) -> None:
        make_chain(1)
        sealed(key)
        chains = [uuid4() for _ in range(8)]
        start = threading.Barrier(5)

        def write(some: list[UUID]) -> None:
            start.wait()
            for place in range(1, 21):
                for chain in some:
                    append([note(chain, place)])
            connection.close()

        def keep_sealing() -> None:
            start.wait()
            for _ in range(15):
                sealed(key)
            connection.close()

        with ThreadPoolExecutor(5) as pool:
            jobs = [pool.submit(write, chains[:4]), pool.submit(write, chains[4:])]
            jobs += [pool.submit(keep_sealing) for _ in range(3)]
            for job in jobs:
                job.result()
        sealed(key)
        report = verify_all()
        assert report.faults == []
        assert (report.entries, report.unsealed) == (161, 0)
        numbers = list(Seal.objects.values_list("number", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))
        assert sum(Seal.objects.values_list("entries", flat=True)) == 161
