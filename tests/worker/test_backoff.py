"""C5: when it is tried again: jitter within bounds, a ceiling, the wish of the downstream."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.probe import PROBE, RETRY
from workflow.definition import Retry, registry
from workflow.engine.backoff import next_try, policy
from workflow.models import TransitionEnvelope

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)
TRIES = Retry(attempts=100, first=timedelta(seconds=2), factor=2.0, longest=timedelta(minutes=10))


def wait(failures: int, at_least: timedelta | None = None) -> timedelta:
    due = next_try(retry=TRIES, failures=failures, now=NOW, at_least=at_least)
    assert due is not None
    return due - NOW


@settings(deadline=None)
@given(st.integers(1, 99), st.randoms(use_true_random=False))
def test_half_of_the_delay_is_random_and_no_more(failures: int, source: random.Random) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random, "uniform", source.uniform)
        waited = wait(failures)
    whole = TRIES.delay(failures=failures)
    assert whole / 2 - timedelta(microseconds=1) <= waited <= whole <= TRIES.longest


def test_what_failed_together_does_not_come_back_together() -> None:
    waits = sorted(wait(8).total_seconds() for _ in range(500))
    whole = TRIES.delay(failures=8).total_seconds()
    assert waits[0] < 0.6 * whole
    assert waits[-1] > 0.9 * whole
    assert len(set(waits)) > 400


@pytest.mark.parametrize(("end", "part"), [(0, 0.5), (1, 1.0)])
def test_it_doubles_and_then_stays(monkeypatch: pytest.MonkeyPatch, end: int, part: float) -> None:
    monkeypatch.setattr(random, "uniform", lambda *ends: ends[end])
    waits = [wait(failures).total_seconds() / part for failures in range(1, 13)]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]


@pytest.mark.parametrize(("failures", "is_last"), [(2, False), (3, True), (4, True), (900, True)])
def test_the_attempts_are_used_up(failures: int, is_last: bool) -> None:
    due = next_try(retry=Retry(attempts=3), failures=failures, now=NOW)
    assert (due is None) == is_last


def test_one_attempt_means_no_second() -> None:
    assert next_try(retry=Retry(attempts=1), failures=1, now=NOW) is None


@pytest.mark.parametrize("failures", [1, 5, 50])
def test_the_downstreams_wish_is_waited_for(failures: int) -> None:
    wish = timedelta(hours=3)
    assert wait(failures, at_least=wish) == wish


def test_a_wish_for_less_shortens_nothing() -> None:
    assert wait(9, at_least=timedelta(seconds=1)) >= TRIES.delay(failures=9) / 2


def test_a_wish_gives_no_further_attempt() -> None:
    wish = timedelta(seconds=1)
    assert next_try(retry=Retry(attempts=2), failures=2, now=NOW, at_least=wish) is None


class TestPolicy:
    def envelope(self, **values: object) -> TransitionEnvelope:
        asked = {"workflow": "probe", "definition_version": 1, "transition": "open"}
        return TransitionEnvelope(**{**asked, **values})

    def test_it_is_the_transitions_own(self) -> None:
        assert policy(self.envelope()) is RETRY
        assert policy(self.envelope(transition="note")) == Retry()

    @pytest.mark.parametrize(
        "values", [{"transition": "gone"}, {"definition_version": 2}, {"workflow": "gone"}]
    )
    def test_what_is_not_declared_here_backs_off_by_default(
        self, values: dict[str, object]
    ) -> None:
        """The envelope of another release must still be put off, or parked, by this one."""
        assert policy(self.envelope(**values)) == Retry()

    def test_it_is_that_of_the_pinned_version(self) -> None:
        registry.unregister(PROBE)
        assert policy(self.envelope()) == Retry()
