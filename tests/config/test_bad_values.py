"""A value that cannot be used is told with the name of the variable that holds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.loading import CHECK, CHOSEN, run


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_FORMAT", "xml"),
        ("LEASE_SECONDS", "0"),
        ("LEASE_SECONDS", "-1"),
        ("LOG_LEVEL", "loud"),
        ("WORKERS", "three"),
        ("WORKERS", ""),
        ("WORKERS", "0"),
        ("LEASE_SECONDS", "soon"),
        ("BATCH_SIZE", "many"),
        ("BATCH_SIZE", "0"),
        ("BATCH_SIZE", "-1"),
        ("PAYLOAD_LIMIT_BYTES", "64k"),
        ("DRAIN_SECONDS", "-1"),
        ("HSTS_SECONDS", "year"),
        ("TIME_ZONE", "Mars/Base"),
        ("SEND_WINDOW_SECONDS", "0"),
        ("CALLS_PER_WORKER", "0"),
        ("LOGIN_ATTEMPTS", "0"),
        ("LOGIN_ATTEMPTS", "few"),
        ("LOGIN_PAUSE_MINUTES", "-5"),
        ("PROXIES", "-1"),
        ("DOWNSTREAM_URL", "bank.example"),
        ("CSRF_TRUSTED_ORIGINS", "site.example"),
        ("TASKS", "tidy"),
        ("TASKS", "os.system; rm"),
        ("APPS", "my-app"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "records.sqlite3"),
        ("DATABASE_URL", "oracel://a:b@h/n"),
    ],
)
def test_a_bad_value_is_told_with_the_variables_name(
    tmp_path: Path, name: str, value: str
) -> None:
    done = run(tmp_path, CHECK, installed=True, **{"SECRET_KEY": "k", name: value})
    told = done.stderr.strip()
    if "Traceback" in told:
        told = told.rpartition("\n")[2]
    assert done.returncode != 0, "accepted"
    assert name in told


def test_a_database_server_needs_a_key_that_all_hosts_share(tmp_path: Path) -> None:
    url = "postgres://a:b@h/n"
    done = run(tmp_path, CHECK, installed=True, DATABASE_URL=url)
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr.rpartition("ImproperlyConfigured")[2]
    own = run(tmp_path, "import config.settings", DATABASE_URL=url, INSECURE_HTTP="true")
    assert own.returncode == 0, own.stderr


def test_oidc_that_is_half_configured_is_told(tmp_path: Path) -> None:
    done = run(tmp_path, CHECK, installed=True, SECRET_KEY="k", OIDC_CLIENT_ID="escapement")
    assert done.returncode != 0
    assert "OIDC_CLIENT_SECRET" in done.stderr


def test_the_variables_that_are_read_are_found() -> None:
    """Otherwise what the test run itself has set of them would be passed on."""
    assert {"DATABASE_URL", "SECRET_KEY", "WORKERS", "TASKS"} <= set(CHOSEN)
