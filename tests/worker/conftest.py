"""The records of the engine's tests, and a broker as a cluster's pusher has it."""

from __future__ import annotations

import pytest

from tests.engine.conftest import ann, ask, make, script
from workflow.worker import broker as brokers
from workflow.worker.broker import EnvelopeBroker

__all__ = ["ann", "ask", "make", "script"]


@pytest.fixture
def broker(db: None, monkeypatch: pytest.MonkeyPatch) -> EnvelopeBroker:
    """A broker that looks at django-q2's own table each time, not once a second."""
    monkeypatch.setattr(brokers, "_ORDINARY_EVERY", -1.0)
    return EnvelopeBroker(list_key="escapement")
