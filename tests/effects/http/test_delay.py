from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workflow.effects.http.delay import delay

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("999999999", 3600),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 11:00:30 GMT", 0),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2126 12:00:30 GMT", 3600),
    ],
)
def test_a_wait_is_read_and_bounded(told: str, seconds: int) -> None:
    assert delay(told=told, now=NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("told", [None, "", "-5", "1.5", "soon", "9" * 40, "٣", "Sun, 99 Mar"])
def test_what_is_no_wait_is_none(told: str | None) -> None:
    assert delay(told=told, now=NOW) is None
