"""Telling the service manager: nobody waits for one that does not read."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from workflow.worker.notify import notify


def test_one_that_does_not_read_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))

        def beat() -> None:
            for _ in range(2000):  # more than it has room for
                notify("WATCHDOG=1")

        beating = threading.Thread(target=beat, daemon=True)
        beating.start()
        beating.join(timeout=20)
        assert not beating.is_alive()
        assert manager.recv(64) == b"WATCHDOG=1"
