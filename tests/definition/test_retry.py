"""How far apart the tries are, before jitter."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.definition import Retry

POLICIES = st.builds(
    Retry,
    attempts=st.integers(1, 1000),
    first=st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(hours=1)),
    factor=st.floats(1, 100),
    longest=st.timedeltas(min_value=timedelta(hours=1), max_value=timedelta(days=3650)),
)


def test_the_defaults_are_as_documented() -> None:
    delays = [Retry().delay(failures=failures).total_seconds() for failures in range(1, 8)]
    assert delays == [2, 4, 8, 16, 32, 64, 128]
    assert timedelta(minutes=4) < timedelta(seconds=sum(delays)) < timedelta(minutes=5)


@settings(deadline=None)
@given(POLICIES, st.integers(1, 60))
def test_it_grows_by_its_factor_up_to_the_longest(policy: Retry, failures: int) -> None:
    assert policy.faults() == []
    now, then = policy.delay(failures=failures), policy.delay(failures=failures + 1)
    assert policy.first <= now <= then <= policy.longest
    if then < policy.longest:
        grown = now.total_seconds() * policy.factor
        assert abs(then.total_seconds() - grown) <= 1e-5 * policy.factor + grown * 1e-9


@settings(deadline=None)
@given(POLICIES, st.integers(61, 10_000))
def test_no_number_of_failures_is_too_many(policy: Retry, failures: int) -> None:
    assert policy.delay(failures=60) <= policy.delay(failures=failures) <= policy.longest


def test_the_first_wait_is_the_first() -> None:
    policy = Retry(first=timedelta(seconds=7), factor=3.0, longest=timedelta(seconds=60))
    assert [policy.delay(failures=n).total_seconds() for n in (1, 2, 3, 999)] == [7, 21, 60, 60]
