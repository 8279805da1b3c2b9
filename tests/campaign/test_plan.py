"""The plan of faults: the seed decides, and no kind is left out."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from workflow.examples.declarations.campaign.faults.fault import Fault, Injected
from workflow.examples.declarations.campaign.faults.plan import EVERY, plan


def first(seed: int, count: int) -> list[tuple[str, float, float]]:
    drawn = islice(plan(seed=seed, faults=EVERY), count)
    return [(fault.kind, chance.random(), pause) for fault, chance, pause in drawn]


def test_the_same_seed_gives_the_same_plan() -> None:
    assert first(5, 100) == first(5, 100)
    assert first(5, 100) != first(6, 100)


def test_each_round_has_every_kind_as_often_as_it_says() -> None:
    wanted = {fault.kind: fault.times for fault in EVERY}
    drawn = first(3, 2 * sum(wanted.values()))
    counted = Counter(kind for kind, _, _ in drawn)
    assert counted == {kind: 2 * times for kind, times in wanted.items()}


def test_kinds_have_names_of_their_own() -> None:
    assert len({fault.kind for fault in EVERY}) == len(EVERY)


def test_what_is_left_out_does_not_come() -> None:
    def nothing(*_: object) -> Injected:
        return Injected(detail="")

    only = [Fault(kind="one", inject=nothing), Fault(kind="other", inject=nothing, times=2)]
    drawn = Counter(fault.kind for fault, _, _ in islice(plan(seed=1, faults=only), 30))
    assert drawn == {"one": 10, "other": 20}
