"""How requests of one bulk are put into transactions."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from workflow.engine.request import Request
from workflow.engine.submit import _TOGETHER, _apart

FEW = st.integers(0, 5).map(lambda number: UUID(int=number))
PAIRS = st.lists(st.tuples(FEW, st.integers(10, 400).map(lambda number: UUID(int=number))))


def _numbered(pairs: list[tuple[UUID, UUID]]) -> list[tuple[int, Request]]:
    return [
        (index, Request(record=record, transition="t", transition_id=name, user=None))
        for index, (record, name) in enumerate(pairs)
    ]


@given(PAIRS)
def test_no_record_and_no_id_is_twice_in_one_and_the_order_of_each_is_kept(
    pairs: list[tuple[UUID, UUID]],
) -> None:
    numbered = _numbered(pairs)
    order: dict[UUID, list[int]] = defaultdict(list)
    for group in _apart(numbered):
        names = [name for _, each in group for name in (each.record, each.transition_id)]
        assert len(set(names)) == len(names)
        for index, each in group:
            order[each.record].append(index)
            order[each.transition_id].append(index)
    assert all(found == sorted(found) for found in order.values())
    assert sorted(index for found in order.values() for index in found) == sorted(
        index for index, _ in numbered for _ in range(2)
    )


def test_they_are_full_where_nothing_is_twice() -> None:
    many = [(UUID(int=2 * number), UUID(int=2 * number + 1)) for number in range(50_000)]
    groups = _apart(_numbered(many))
    assert {len(group) for group in groups} == {_TOGETHER}
    assert [index for group in groups for index, _ in group] == list(range(50_000))
