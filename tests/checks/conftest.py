"""The records of the engine's tests, for checks that look at live ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.conftest import ann, ask, boss, make, script
from workflow.definition import Workflow, registry

__all__ = ["ann", "ask", "boss", "make", "script"]

Release = Callable[..., None]


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Release:
    """Have these workflows in the running release, and not the probe as it is."""

    def become(*workflows: Workflow[Any, Any]) -> None:
        others = {key: flow for key, flow in registry._registered.items() if key[0] != "probe"}
        monkeypatch.setattr(registry, "_registered", others)
        for workflow in workflows:
            registry.register(workflow)

    return become
