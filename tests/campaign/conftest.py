"""Running campaigns, as an operator would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import PROJECT
from workflow.engine import clock
from workflow.engine.start import start
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.workflows import DECLARATION


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a campaign came to its end."""

    code: int
    said: str
    told: dict[str, Any]
    """What it wrote as JSON; empty if it did not come so far."""

    @property
    def wrong(self) -> dict[str, int]:
        """The counts that are not 0."""
        counts = self.told["counts"]
        return {what: each["count"] for what, each in counts.items() if each["count"]}


Campaign = Callable[..., Ended]


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """Run `manage.py campaign`; what it makes vanishes with it."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("a campaign finds the processes that it kills in /proc")

    def run(*options: object, timeout: float = 300, **environment: str) -> Ended:
        file = tmp_path / "campaign.json"
        done = subprocess.run(
            [sys.executable, "manage.py", "campaign", "--json", file, *map(str, options)],
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        told = json.loads(file.read_text()) if file.exists() else {}
        return Ended(code=done.returncode, said=done.stdout, told=told)

    return run


@pytest.fixture
def in_use(transactional_db: None) -> None:
    """Have a record in the test's database."""
    subject = Declaration(
        claimant=User.objects.create_user("ann"),
        number="1",
        purpose="a journey",
        amount="12.50",
        expense_date=clock.now().date(),
        declared_on=clock.now().date(),
    )
    start(workflow=DECLARATION, subject=subject, reference="1", user=None, now=clock.now())
