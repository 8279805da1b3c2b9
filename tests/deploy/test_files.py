"""K5: what deploys the product names commands, files and settings that exist."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from tests.config.loading import CHOSEN
from tests.conftest import PROJECT

UNITS = sorted((PROJECT / "deploy/systemd").glob("*.service"))
OF_GUNICORN = {"BIND", "WEB_PROCESSES", "WEB_THREADS"}


def unit(path: Path) -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None, strict=False)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(path)
    return found


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_what_is_there(path: Path) -> None:
    program, *words = unit(path)["Service"]["ExecStart"].split()
    assert program.startswith("/opt/escapement/.venv/bin/")
    if "manage.py" in words:
        assert words[words.index("manage.py") + 1] in get_commands()
    for word in words:
        if "/" in word:
            assert (PROJECT / word).exists(), word


def test_workers_are_drained_and_watched() -> None:
    service = unit(PROJECT / "deploy/systemd/escapement-work.service")["Service"]
    # SIGTERM to the whole group kills tasks and hangs django-q2.
    assert service["KillMode"] == "mixed"
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) >= 30
    assert int(service["TimeoutStopSec"]) > 30, "longer than DRAIN_SECONDS"
    assert service["Restart"] == "always"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
    return told


def test_compose_has_web_two_workers_and_a_database(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {"migrate", "web", "worker-1", "worker-2", "db"} <= set(services)
    assert services["db-mssql"]["profiles"] == ["mssql"]
    for name, service in services.items():
        command = service.get("command", [])
        if "manage.py" in command:
            assert command[command.index("manage.py") + 1] in get_commands(), name
        assert "latest" not in service.get("image", "") or name == "db-mssql"


def test_the_containers_reach_each_other_and_have_time_to_end(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert "0.0.0.0" in services["downstreams"]["command"], "127.0.0.1 is the container's own"
    for name, least in (("web", graceful_timeout()), ("worker-1", 30), ("worker-2", 30)):
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > least


def graceful_timeout() -> int:
    text = (PROJECT / "deploy/gunicorn.conf.py").read_text()
    return int(re.search(r"^graceful_timeout = (\d+)$", text, re.M)[1])  # type: ignore[index]


@pytest.mark.parametrize("name", ["web", "work", "seal"])
def test_a_unit_tries_for_good(name: str) -> None:
    # By default systemd gives up after five starts in ten seconds, as while the database is away.
    found = unit(PROJECT / f"deploy/systemd/escapement-{name}.service")
    assert found["Unit"]["StartLimitIntervalSec"] == "0"
    assert found["Service"]["Restart"] == "always"


def test_its_environment_is_that_of_the_settings(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        if service.get("image") == "escapement":
            assert set(service["environment"]) <= set(CHOSEN)
            # What must be secret has no default.
            assert ":?" in service["environment"]["SECRET_KEY"]


def test_the_image_copies_what_is_there_and_all_that_is_imported() -> None:
    text = (PROJECT / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+) ", text, re.M)
    assert [each for each in copied if not (PROJECT / each).exists()] == []
    assert {"manage.py", "config/", "audit/", "workflow/", "templates/", "deploy/"} <= set(copied)
    assert re.search(r"^USER escapement$", text, re.M)


def configured(**environment: str) -> subprocess.CompletedProcess[str]:
    # By its own program, which does not have the current folder on its path.
    return subprocess.run(
        [
            *(Path(sys.executable).with_name("gunicorn"), "config.wsgi", "--check-config"),
            *("--config", "deploy/gunicorn.conf.py"),
        ],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("name", "value"), [("WEB_PROCESSES", "two"), ("WEB_THREADS", "0")])
def test_gunicorn_tells_which_of_its_settings_cannot_be_used(name: str, value: str) -> None:
    done = configured(**{name: value})
    assert done.returncode != 0
    assert f"{name}='{value}'" in done.stderr.strip().rpartition("\n")[2]


def test_gunicorn_takes_its_configuration() -> None:
    done = configured()
    assert done.returncode == 0, done.stderr
    read = set(re.findall(r'"([A-Z_]+)"', (PROJECT / "deploy/gunicorn.conf.py").read_text()))
    assert read == OF_GUNICORN


@pytest.fixture
def service() -> Iterator[Any]:
    """A vulnerability database that answers what the test says."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"vulns": []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def audit(url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ".ci/audit"],
        cwd=PROJECT,
        env={"AUDIT_SERVICE": url, "no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_audit_that_nobody_can_be_asked_for_is_skipped_aloud(service: str) -> None:
    for url in ("http://127.0.0.1:9", service):
        done = audit(url)
        assert done.returncode == 0
        assert done.stdout.startswith("SKIPPED")
