"""A key to seal with, and one to come after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import keys


@pytest.fixture
def key(tmp_path: Path) -> keys.Key:
    return keys.make(tmp_path / "seal.pem")


@pytest.fixture
def successor(tmp_path: Path) -> keys.Key:
    return keys.make(tmp_path / "next.pem")
