"""A verification that is kept: it can be interrupted anywhere, and what it found is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from audit.keys import Key
from audit.models import Problem, Verification
from audit.verify import run as running
from audit.verify.run import run
from tests.audit.rows import NOW, entry, forge, make_chain
from tests.audit.sealing import sealed

pytestmark = pytest.mark.django_db


def clock() -> datetime:
    return NOW


def finish(*, resume: bool = False) -> Verification:
    *_, (kept, _) = run(clock=clock, resume=resume)
    return Verification.objects.get(pk=kept.pk)


@pytest.fixture
def broken(key: Key) -> list[Any]:
    chains = sorted(make_chain(2) for _ in range(6))
    sealed(key)
    for chain in (chains[1], chains[4]):
        forge(entry(chain, 2), actor="Eve")
    return chains


def test_what_it_found_is_kept(broken: list[Any]) -> None:
    kept = finish()
    assert (kept.entries, kept.chains, kept.seals, kept.problems) == (12, 6, 1, 2)
    assert (kept.started_at, kept.finished_at) == (NOW, NOW)
    assert [(row.kind, row.chain, row.sequence) for row in kept.found.all()] == [
        ("edited", broken[1], 2),
        ("edited", broken[4], 2),
    ]
    assert str(kept) == "2 problems in 12 entries in 6 chains and 1 seal"


@pytest.mark.parametrize("stop_after", range(1, 8))
def test_interrupted_anywhere_it_goes_on_and_finds_the_same(
    broken: list[Any], monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    monkeypatch.setattr(running, "_KEEP_EVERY", -1.0)
    for step, _ in enumerate(run(clock=clock, resume=False), start=1):
        if step == stop_after:
            break
    (unfinished,) = Verification.objects.all()
    assert unfinished.finished_at is None
    kept = finish(resume=True)
    assert kept.pk == unfinished.pk
    assert (kept.entries, kept.chains, kept.seals, kept.problems) == (12, 6, 1, 2)
    assert Problem.objects.count() == 2


def test_without_resume_it_begins_anew(broken: list[Any]) -> None:
    next(iter(run(clock=clock, resume=False)))
    assert finish().entries == 12
    assert Verification.objects.count() == 2


def test_resume_with_nothing_unfinished_begins_anew(broken: list[Any]) -> None:
    finish()
    finish(resume=True)
    assert Verification.objects.count() == 2


def test_the_times_are_the_clocks(broken: list[Any]) -> None:
    assert finish().started_at.tzinfo is UTC
