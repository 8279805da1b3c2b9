"""E3: whatever is done in raw SQL, without the guards, is found, and the first bad entry named.

By `audit_verify` on the database, and by the bundle's own program on a bundle that was made
afterwards. TAMPERINGS says how many times (1,000).
"""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from audit.bundle import verify as offline
from audit.models import Seal, SealedHead
from audit.verify import seals as sealed
from audit.verify import verify_all, walk
from tests.workflow.evidence.conftest import Live, Stages, check
from tests.workflow.evidence.tampering import DEEDS, ON_CHAINS, Deed, delete
from workflow.evidence.bundle import pack
from workflow.models import Record, guards

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ROUNDS = int(os.environ.get("TAMPERINGS", "250"))
BY_PROCESS = 50
"""One in so many bundles is checked by a process of its own, the others in this one."""


@pytest.fixture
def trail(stages: Stages, seal: Any) -> list[UUID]:
    """Eight records, sealed while they lived: four seals have seen each, at another end."""
    lives = [stages() for _ in range(8)]
    for steps in zip(*lives, strict=True):
        records = [step() for step in steps]
        seal()
    guards.remove(connection)
    assert verify_all().faults == []
    return [record.pk for record in records]


class Hunt:
    """Tampering again and again with one trail, which is as it was each time."""

    def __init__(self, trail: list[UUID], folder: Path, seed: int) -> None:
        self._trail, self._folder, self._rng = trail, folder, random.Random(seed)
        self.done: Counter[str] = Counter()
        self.unfound: list[str] = []

    def go(self, rounds: int, deeds: Any = DEEDS) -> None:
        for number in range(rounds):
            with transaction.atomic():
                self._round(number, self._rng.choice(deeds))
                transaction.set_rollback(True)

    def _round(self, number: int, deed: Any) -> None:
        done: Deed = deed(self._rng)
        self.done[done.what.split()[0]] += 1
        found = verify_all().faults
        if not any(
            done.is_found(
                kind=each.kind,
                chain=each.chain,
                first=each.sequence,
                until=each.until,
                unproved=each.unproved,
                seal=each.seal,
            )
            for each in found
        ):
            self.unfound.append(f"{number} audit_verify: {done}, but {[str(e) for e in found]}")
        told = self._offline(number)
        if not any(
            done.is_found(
                kind=each["kind"],
                chain=UUID(each["chain"]) if each["chain"] else None,
                first=each["sequence"],
                until=each["until"],
                unproved=each["unproved"],
                seal=each["seal"],
            )
            for each in told
        ):
            self.unfound.append(f"{number} verify.py: {done}, but {told}")

    def _offline(self, number: int) -> list[dict[str, Any]]:
        file = self._folder / "bundle.zip"
        pack(chains=self._trail, to=file)
        if number % BY_PROCESS == 0:
            return check(file, "--json").faults
        faults, _, _ = offline.check(offline.Bundle(file), [], [])
        return [vars(fault) for fault in faults]


def test_a_thousand_tamperings_are_found_and_named(trail: list[UUID], tmp_path: Path) -> None:
    hunt = Hunt(trail, tmp_path, seed=20261124)
    hunt.go(ROUNDS)
    assert not hunt.unfound, "\n".join(hunt.unfound[:20])
    assert sum(hunt.done.values()) == ROUNDS
    assert verify_all().faults == []


NOTHING_SEEN: list[tuple[str, Any]] = [
    ("the digest leaves out the reason", lambda patch: patch.setattr(
        walk, "digest_of", lambda said, real=walk.digest_of: real((*said[:6], "", *said[7:])))),
    ("ends are not compared", lambda patch: patch.setattr(walk._Course, "end", lambda self: None)),
    ("what seals saw is not compared", lambda patch: patch.setattr(
        walk, "rewritten", lambda **_: None)),
    ("signatures are not verified", lambda patch: patch.setattr(
        sealed, "_signature", lambda seal, trusted: None)),
    ("roots are not computed", lambda patch: patch.setattr(
        sealed, "_content", lambda *_: None)),
    ("the standing is not compared", lambda patch: patch.setattr(
        "audit.verify.trail._unexplained", lambda *_: None)),
    ("offline, digests are not compared", lambda patch: patch.setattr(
        offline, "digest_of", lambda entry, sequence=None: entry["digest"])),
    ("offline, ends are not compared", lambda patch: patch.setattr(
        offline.Course, "cut_off", lambda self, proof: None)),
    ("offline, fields are not compared", lambda patch: patch.setattr(
        offline, "check_fields", lambda *_: [])),
    ("offline, seals are not checked", lambda patch: patch.setattr(
        offline, "check_seals", lambda *_: [])),
]  # fmt: skip


@pytest.mark.same_on_each
@pytest.mark.parametrize(("bug", "plant"), NOTHING_SEEN, ids=[bug for bug, _ in NOTHING_SEEN])
def test_a_planted_bug_of_the_verifier_is_caught(
    trail: list[UUID], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bug: str, plant: Any
) -> None:
    plant(monkeypatch)
    hunt = Hunt(trail, tmp_path, seed=1)
    for _ in range(20):
        hunt.go(10)
        if hunt.unfound:
            break
    assert hunt.unfound, f"200 tamperings, and nobody noticed that {bug}"


def test_what_no_seal_and_no_envelope_tells_of_is_not_found(trail: list[UUID]) -> None:
    """The limit, so that nobody takes it for a promise: an entry like others, added just now."""
    chain = trail[0]
    from tests.workflow.evidence.tampering import entries_of, forged, insert

    rows = entries_of(chain)
    insert(
        forged(
            chain, len(rows) + 1, rows[-1].digest, random.Random(1), action="repeated", new="",
            at=rows[-1].at,
        )
    )  # fmt: skip
    assert verify_all().faults == []


def test_the_newest_seal_with_all_it_covers_takes_an_anchor_to_miss(
    trail: list[UUID], live: Live, seal: Any, tmp_path: Path
) -> None:
    from django.core.management import CommandError, call_command

    from audit.anchored import line

    record = live()
    seal()
    anchors = tmp_path / "seals.jsonl"
    anchors.write_text("".join(f"{line(each)}\n" for each in Seal.objects.all()))
    call_command("audit_verify", anchors=[anchors])
    newest = Seal.objects.latest("number")
    for head in SealedHead.objects.filter(seal=newest):
        delete(head)
    delete(newest)
    with pytest.raises(CommandError, match="broken in 1 places"):
        call_command("audit_verify", anchors=[anchors])
    assert verify_all().faults == []
    assert Record.objects.filter(pk=record.pk).exists()
    assert ON_CHAINS
