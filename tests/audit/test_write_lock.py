"""Waiting for SQLite's write lock: in small steps, and no longer than the settings say."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from audit import write_lock
from audit.models import Unsealed

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="others lock rows"),
]

USUAL = 20_000
"""Milliseconds: the settings' time-out."""


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    connection.close()
    yield
    connection.close()


class Holder:
    """Somebody else, who takes the lock again as soon as it is free, until told to stop."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self.has_it = threading.Event()
        self.turns = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Holder:
        self._thread.start()
        assert self.has_it.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def has_it_again(self) -> bool:
        self.has_it.clear()
        return self.has_it.wait(30)

    def _run(self) -> None:
        name = str(connection.settings_dict["NAME"])
        raw = sqlite3.connect(name, isolation_level=None, timeout=60, uri=True)
        while not self._stop.is_set():
            raw.execute("BEGIN IMMEDIATE")
            self.has_it.set()
            time.sleep(0.03)
            raw.execute("COMMIT")
            self.turns += 1
            time.sleep(0.0025)
        raw.close()


def busy_timeout() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (found,) = cursor.fetchone()
        return int(found)


def test_the_lock_goes_round() -> None:
    """SQLite's own way to wait gets it every fourth time."""
    ours = 10
    with Holder() as other:
        before = other.turns
        for _ in range(ours):
            with transaction.atomic():
                Unsealed.objects.exists()
            assert other.has_it_again()
        assert other.turns - before <= 2 * ours


def test_the_time_out_is_there_for_everything_else() -> None:
    assert busy_timeout() == USUAL
    with Holder(), transaction.atomic():
        assert busy_timeout() == USUAL
    assert busy_timeout() == USUAL


def test_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.2)
    name = str(connection.settings_dict["NAME"])
    other = sqlite3.connect(name, isolation_level=None, uri=True)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(OperationalError, match="locked"), transaction.atomic():
        pass
    assert time.monotonic() - began >= 0.2
    other.close()
    assert busy_timeout() == 200


@pytest.mark.parametrize(
    ("code", "is_busy"),
    [
        (sqlite3.SQLITE_BUSY, True),
        (sqlite3.SQLITE_BUSY_RECOVERY, True),  # somebody reads the log after a crash
        (sqlite3.SQLITE_IOERR_SHORT_READ, False),
    ],
)
def test_what_is_waited_out(code: int, is_busy: bool) -> None:
    error, cause = OperationalError(), sqlite3.OperationalError()
    error.__cause__, cause.sqlite_errorcode = cause, code
    assert write_lock._is_busy(error) is is_busy


def test_another_error_is_not_waited_out() -> None:
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        pytest.raises(OperationalError, match="within a transaction"),
    ):
        cursor.execute("BEGIN IMMEDIATE")


def test_a_watcher_takes_nothing_away() -> None:
    """A connection may be opened while somebody watches the queries, and again afterwards."""

    def watch(run: Any, *about: Any) -> Any:
        return run(*about)

    connection.execute_wrappers.clear()
    with connection.execute_wrapper(watch):
        Unsealed.objects.exists()
        connection.close()
        Unsealed.objects.exists()
    (left,) = connection.execute_wrappers
    assert left.__module__ == "audit.write_lock"
