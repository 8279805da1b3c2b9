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


def test_the_variables_that_are_read_are_found() -> None:
    """Otherwise what the test run itself has set of them would be passed on."""
    assert {"DATABASE_URL", "SECRET_KEY", "WORKERS", "TASKS"} <= set(CHOSEN)
