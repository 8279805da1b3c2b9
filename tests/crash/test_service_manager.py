"""The supervisor tells systemd that it is ready, that it still looks, and that it stops."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.conftest import Start
from workflow.worker.notify import notify

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        yield manager


def test_a_supervisor_says_how_it_is(work: Start, told: socket.socket, tmp_path: Path) -> None:
    cluster = work(workers=1, NOTIFY_SOCKET=tmp_path / "notify")
    said = [told.recv(100) for _ in range(5)]
    assert said[0] == b"READY=1"
    assert set(said[1:]) == {b"WATCHDOG=1"}
    assert cluster.stop() == 0
    told.setblocking(False)
    rest = []
    while True:
        try:
            rest.append(told.recv(100))
        except BlockingIOError:
            break
    assert rest.count(b"STOPPING=1") == 1
    assert rest.count(b"READY=1") == 0


def test_without_a_service_manager_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    notify("READY=1")
