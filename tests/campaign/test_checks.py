"""What a campaign takes for a fault, and what not."""

from __future__ import annotations

import pytest

from workflow.examples.declarations.campaign.checks import untold_claims


@pytest.mark.parametrize(
    ("fence", "is_held", "fences"),
    [
        (0, False, []),
        (1, False, [1]),
        (1, True, []),
        (3, True, [1, 2]),
        # Claim 2 was given back by a worker that was slow with another one of the batch.
        (4, False, [1, 3, 4]),
        (2, False, [2]),
    ],
)
def test_attempts_that_tell_how_it_came_to_its_end(
    fence: int, is_held: bool, fences: list[int]
) -> None:
    assert not untold_claims(fence=fence, is_held=is_held, fences=fences)


@pytest.mark.parametrize(
    ("fence", "is_held", "fences"),
    [
        (1, False, []),
        (2, False, [1]),
        (2, False, [1, 2, 2]),
        (1, False, [1, 2]),
        (0, False, [1]),
    ],
)
def test_attempts_that_do_not(fence: int, is_held: bool, fences: list[int]) -> None:
    assert untold_claims(fence=fence, is_held=is_held, fences=fences)
