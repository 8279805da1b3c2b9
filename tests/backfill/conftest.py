"""Small logs, and backfills of them in this very process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.workflow.examples.logs import Row, write
from workflow.backfill.registered import find


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.ESCAPEMENT = {**settings.ESCAPEMENT, "BACKFILL_DIR": str(tmp_path / "spool")}


@pytest.fixture(autouse=True)
def _not_nicer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process cannot take back that it is nice, and this one has more to do."""
    monkeypatch.setattr("os.nice", lambda _: 0)


Log = Callable[[Iterable[Row]], Path]
Backfill = Callable[..., dict[str, Any]]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Write rows as `log.csv`; again, to have another content under the same name."""
    return lambda rows: write(tmp_path / "log.csv", rows)


@pytest.fixture
def backfill(tmp_path: Path) -> Backfill:
    """Run the command on a source and return its table."""

    def run(source: object, *options: str, mapping: str = "declarations") -> dict[str, Any]:
        told = tmp_path / "table.json"
        call_command(
            "backfill",
            str(source),
            "--mapping",
            mapping,
            "--patience",
            "0",
            "--json",
            str(told),
            *options,
            stdout=io.StringIO(),
            stderr=io.StringIO(),
        )
        table: dict[str, Any] = json.loads(told.read_text())
        assert table["accounted"] == table["rows"]
        return table

    return run


@pytest.fixture(autouse=True)
def _mappings() -> None:
    find("declarations")
