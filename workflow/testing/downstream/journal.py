"""What the simulators received and did, in a SQLite file: it survives their own SIGKILL.

The journal is also all the state that they have. A call, and what was done because of it, is
written in one transaction, so no deed is without its call.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workflow.testing.downstream.summary import Summary

_TABLES = """
CREATE TABLE IF NOT EXISTS call (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, downstream TEXT NOT NULL, method TEXT NOT NULL,
    path TEXT NOT NULL, key TEXT NOT NULL, attempt INTEGER NOT NULL, fault TEXT,
    status INTEGER, correlation_id TEXT NOT NULL, traceparent TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS call_key ON call (downstream, key, method);
CREATE TABLE IF NOT EXISTS deed (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, call INTEGER NOT NULL REFERENCES call,
    downstream TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, reference TEXT NOT NULL,
    amount INTEGER NOT NULL, place INTEGER NOT NULL, subject TEXT NOT NULL, note TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS deed_key ON deed (downstream, key);
CREATE INDEX IF NOT EXISTS deed_reference ON deed (downstream, reference);
CREATE INDEX IF NOT EXISTS deed_subject ON deed (downstream, subject);
CREATE TABLE IF NOT EXISTS call_back (
    deed INTEGER PRIMARY KEY REFERENCES deed, url TEXT NOT NULL, due_at REAL NOT NULL,
    answered INTEGER
);
"""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request that arrived."""

    id: int
    at: float
    downstream: str
    method: str
    path: str
    key: str
    """The sender's idempotency key; for a look-up, the key that is asked for."""

    attempt: int
    """How many such calls under this key had arrived, this one included."""

    fault: str | None
    status: int | None
    """What was answered; None if nothing was, or not yet."""

    correlation_id: str
    traceparent: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One thing done: a payment made, a letter posted."""

    id: int
    at: float
    call: int
    """The request that caused it."""

    downstream: str
    kind: str
    key: str
    reference: str
    """The record that it is about."""

    amount: int
    """In cents."""

    place: int
    """Where the sender says that it stands in its record's order."""

    subject: str
    """A budget, or the number of another deed."""

    note: str


class Writer:
    """The journal within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def receive(self, **facts: Any) -> int:
        """Write down a request; return its number."""
        return self._insert("call", {"at": time.time(), **facts})

    def calls_under(self, *, downstream: str, method: str, key: str) -> int:
        """Return how many such calls have arrived."""
        found = self._connection.execute(
            "SELECT count(*) FROM call WHERE downstream = ? AND method = ? AND key = ?",
            (downstream, method, key),
        ).fetchone()
        return int(found[0])

    def answered(self, *, call: int, fault: str | None, status: int | None) -> None:
        """Write down what goes wrong with a request and what it will be answered."""
        self._connection.execute(
            "UPDATE call SET fault = ?, status = ? WHERE id = ?", (fault, status, call)
        )

    def do(
        self,
        *,
        call: int,
        downstream: str,
        kind: str,
        key: str,
        reference: str,
        amount: int = 0,
        place: int = 0,
        subject: str = "",
        note: str = "",
    ) -> int:
        """Write down a deed; return its number."""
        facts = {
            "at": time.time(),
            "call": call,
            "downstream": downstream,
            "kind": kind,
            "key": key,
            "reference": reference,
            "amount": amount,
            "place": place,
            "subject": subject,
            "note": note,
        }
        return self._insert("deed", facts)

    def call_back(self, *, deed: int, url: str, due_at: float) -> None:
        """Write down that the sender is to be told."""
        self._insert("call_back", {"deed": deed, "url": url, "due_at": due_at})

    def called_back(self, *, deed: int, status: int) -> None:
        """Write down that the sender has answered."""
        self._connection.execute(
            "UPDATE call_back SET answered = ? WHERE deed = ?", (status, deed)
        )

    def deeds(self, **wanted: Any) -> list[Deed]:
        """Return the deeds with these values, in the order in which they were done."""
        return _deeds(self._connection, wanted)

    def total(self, **wanted: Any) -> int:
        """Return the sum of the amounts of the deeds with these values."""
        where = " AND ".join(f"{column} = ?" for column in wanted)
        found = self._connection.execute(
            f"SELECT coalesce(sum(amount), 0) FROM deed WHERE {where}",  # noqa: S608  (as above)
            tuple(wanted.values()),
        ).fetchone()
        return int(found[0])

    def highest_place(self, *, downstream: str, reference: str) -> int:
        """Return how far a record's order has come; 0 before it begins."""
        found = self._connection.execute(
            "SELECT coalesce(max(place), 0) FROM deed WHERE downstream = ? AND reference = ?",
            (downstream, reference),
        ).fetchone()
        return int(found[0])

    def _insert(self, table: str, facts: Mapping[str, Any]) -> int:
        columns, marks = ", ".join(facts), ", ".join("?" * len(facts))
        cursor = self._connection.execute(
            f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608  (names of this file)
            tuple(facts.values()),
        )
        return int(cursor.lastrowid or 0)


class Journal:
    """The file. Any number of processes may read it while one writes."""

    def __init__(self, path: Path) -> None:
        """Open it; begin it if it is not there."""
        self.path = path
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=20
        )
        # What is committed survives the death of the process, which is what is tried here; a
        # power cut is not.
        self._connection.executescript(
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {_TABLES}"
        )

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Write several things, all or none, one thread after the other."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield Writer(self._connection)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def calls(self, **wanted: Any) -> list[Call]:
        """Return the requests with these values, in the order in which they arrived."""
        with self._lock:
            return [Call(**row) for row in _rows(self._connection, "call", wanted)]

    def deeds(self, **wanted: Any) -> list[Deed]:
        """Return the deeds with these values, in the order in which they were done."""
        with self._lock:
            return _deeds(self._connection, wanted)

    def call_backs(self, *, now: float) -> list[tuple[Deed, str]]:
        """Return what senders are still to be told, and where."""
        with self._lock:
            due = self._connection.execute(
                "SELECT deed, url FROM call_back WHERE answered IS NULL AND due_at <= ?", (now,)
            ).fetchall()
            return [(_deeds(self._connection, {"id": deed})[0], url) for deed, url in due]

    def summary(self) -> Summary:
        """Return the counts that matter."""
        from workflow.testing.downstream.summary import summarise  # noqa: PLC0415  (uses this)

        return summarise(calls=self.calls(), deeds=self.deeds())

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()


def _rows(
    connection: sqlite3.Connection, table: str, wanted: Mapping[str, Any]
) -> list[dict[str, Any]]:
    where = " AND ".join(f"{column} = ?" for column in wanted) or "1"
    cursor = connection.execute(
        f"SELECT * FROM {table} WHERE {where} ORDER BY id",  # noqa: S608  (names of this package)
        tuple(wanted.values()),
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _deeds(connection: sqlite3.Connection, wanted: Mapping[str, Any]) -> list[Deed]:
    return [Deed(**row) for row in _rows(connection, "deed", wanted)]


def text(body: Mapping[str, Any]) -> str:
    """Return a body as it is kept."""
    return json.dumps(dict(body), sort_keys=True)
