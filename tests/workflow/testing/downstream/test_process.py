"""The simulators as a process: killed, restarted, and what they remember."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.workflow.testing.downstream.client import send
from workflow.testing.downstream import SimulatorProcess

PAYMENT = {"reference": "D-1", "amount": "42.00"}


def test_what_they_did_survives_their_death(tmp_path: Path) -> None:
    """Killed while eight senders are at it: whoever has an answer finds it in the journal."""
    file = tmp_path / "journal.sqlite3"
    answered: list[str] = []
    with SimulatorProcess(journal=file, faults=0.1, seed=1, stall=0.05) as sims:

        def pay(sender: int) -> None:
            for number in range(40):
                key = f"{sender}-{number}"
                if send(f"{sims.url}/payments/instructions", PAYMENT, key=key)[0] == 201:
                    answered.append(key)

        threads = [threading.Thread(target=pay, args=(sender,)) for sender in range(8)]
        for thread in threads:
            thread.start()
        while len(answered) < 60:
            assert any(thread.is_alive() for thread in threads)
        sims.kill()
        for thread in threads:
            thread.join(30)
        done = {deed.key for deed in sims.journal.deeds()}
        assert set(answered) <= done
        assert len(answered) < 320
        known = {call.id for call in sims.journal.calls()}
        assert {deed.call for deed in sims.journal.deeds()} <= known

        url = sims.url
        sims.restart()
        assert sims.url == url
        assert send(f"{url}/payments/instructions/{answered[0]}", timeout=30)[0] in (
            200,
            0,
            500,
            503,
        )
        before = len(sims.journal.deeds())
        while send(f"{url}/payments/instructions", PAYMENT, key="after")[0] != 201:
            pass
        assert len(sims.journal.deeds()) > before


def test_attempts_are_counted_across_lives(tmp_path: Path) -> None:
    with SimulatorProcess(journal=tmp_path / "j.sqlite3") as sims:
        send(f"{sims.url}/payments/instructions", PAYMENT)
        sims.kill()
        sims.restart()
        send(f"{sims.url}/payments/instructions", PAYMENT)
        assert [call.attempt for call in sims.journal.calls()] == [1, 2]
        assert sims.journal.summary().attempts == {2: 1}


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RuntimeError, match=f"cannot serve on 127.0.0.1:{port}"):
            SimulatorProcess(journal=tmp_path / "j.sqlite3", port=port)


def test_faults_that_are_no_share_are_said(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"--faults 0\.5: from 0 to 0\.25"):
        SimulatorProcess(journal=tmp_path / "j.sqlite3", faults=0.5)


@pytest.mark.parametrize("each", [signal.SIGINT, signal.SIGTERM])
def test_the_command_is_quiet_and_stops_at_a_signal(tmp_path: Path, each: int) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "manage.py", "simulate_downstreams"),
            *("--host", "127.0.0.2", "--port", "0"),
            *("--journal", str(tmp_path / "new" / "j.sqlite3")),
        ],
        cwd=PROJECT,
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url.startswith("http://127.0.0.2:")
    assert send(f"{url}/payments/instructions", PAYMENT)[0] == 201
    process.send_signal(each)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")
