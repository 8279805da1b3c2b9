"""A web server of its own process, on the test's database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.crash.conftest import _desk, ann, work  # noqa: F401  (fixtures)
from tests.crash.polling import until


class Web:
    """A running gunicorn."""

    def __init__(self, url: str, log: Path, **environment: object) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "config.wsgi"),
                    *("--config", "deploy/gunicorn.conf.py"),
                ],
                cwd=PROJECT,
                env={
                    **os.environ,
                    "DJANGO_SETTINGS_MODULE": "tests.crash.settings",
                    "DATABASE_URL": url,
                    "LOG_LEVEL": "INFO",
                    "BIND": f"127.0.0.1:{port}",
                    "WEB_PROCESSES": "1",
                    "WEB_THREADS": "4",
                    **{name: str(value) for name, value in environment.items()},
                },
                stdout=out,
                stderr=out,
            )

    def ready(self) -> Web:
        until(self._answers, seconds=30, what="web server ready")
        return self

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/health/live", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def web(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Web]]:
    running: list[Web] = []

    def serve(**environment: object) -> Web:
        log = tmp_path / f"web-{len(running)}.log"
        running.append(Web(database_url, log, **environment))
        return running[-1].ready()

    yield serve
    for each in running:
        each.stop()
