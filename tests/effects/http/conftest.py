from __future__ import annotations

from collections.abc import Iterator

import pytest

from workflow.effects.http.pool import pool


@pytest.fixture(autouse=True)
def _own_connections() -> Iterator[None]:
    """No test goes on with the connections of another."""
    pool().clear()
    pool.cache_clear()
    yield
    pool().clear()
    pool.cache_clear()
