"""A source's events on disk, record by record, however they were mixed in the source.

Logs are often sorted by time, so a record's events may lie anywhere; a record can only be judged
as a whole; and the memory must not grow with the file. So the events go into a SQLite file of our
own, and come out again in the order of records. It is a cache: it is put in place when it is
complete, is known by the digest of its source, and may be deleted at any time.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Self

from workflow.backfill.mapping import Case, Event, Told
from workflow.backfill.sources import Bad
from workflow.models import Fault

MOST_EVENTS = 10_000
"""Events of one record that are held at a time; no real record has so many."""

_TOGETHER = 1000
_TABLES = """
    CREATE TABLE event (
        n INTEGER PRIMARY KEY, reference TEXT, id TEXT, transition TEXT, at TEXT, actor TEXT,
        reason TEXT, payload TEXT, old TEXT, status TEXT, row INTEGER, raw TEXT
    );
    CREATE TABLE bad (row INTEGER, problem TEXT, raw TEXT, fault TEXT);
    CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT);
"""
_COLUMNS = "reference, id, transition, at, actor, reason, payload, old, status, row, raw"


class Spool:
    """A spool that can be read; `write` makes one."""

    def __init__(self, path: Path, *, is_sorted: bool) -> None:
        self._path = path
        self._order = "n" if is_sorted else "at, n"
        self._database = sqlite3.connect(path)

    def __enter__(self) -> Self:
        """Use it in a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; it stays."""
        self._database.close()

    def remove(self) -> None:
        """Delete the file: it holds what the source holds."""
        self._path.unlink(missing_ok=True)

    def fact(self, name: str) -> str:
        """Return a fact that its writer noted; empty if there is none."""
        row = self._database.execute("SELECT value FROM fact WHERE name = ?", [name]).fetchone()
        return "" if row is None else str(row[0])

    @property
    def rows(self) -> int:
        """How many rows the source has."""
        return int(self.fact("rows"))

    @property
    def events(self) -> int:
        """How many of them say something."""
        return int(self.fact("events"))

    def bad(self) -> Iterator[Bad]:
        """Yield the rows that could not be read."""
        found = self._database.execute("SELECT row, problem, raw, fault FROM bad ORDER BY rowid")
        for row, problem, raw, fault in found:
            yield Bad(row, problem, raw, Fault(fault))

    def cases(self, *, after: str = "") -> Iterator[Case]:
        """Yield the records' histories in the order of their references.

        Args:
            after: Leave out the references up to and including this one.
        """
        yield from self._cases("reference > ?", [after])

    def case(self, reference: str) -> Case | None:
        """Return one record's history; None where the source does not tell of it."""
        return next(self._cases("reference = ?", [reference]), None)

    def has(self, reference: str) -> bool:
        """Return whether the source tells of a record."""
        found = self._database.execute(
            "SELECT 1 FROM event WHERE reference = ? LIMIT 1", [reference]
        )
        return found.fetchone() is not None

    def _cases(self, where: str, parameters: list[str]) -> Iterator[Case]:
        found = self._database.execute(
            f"SELECT {_COLUMNS} FROM event WHERE {where} ORDER BY reference, {self._order}",  # noqa: S608
            parameters,
        )
        for reference, rows in groupby(found, key=lambda row: row[0]):
            yield from _in_pieces(reference, rows)


def _in_pieces(reference: str, rows: Iterator[tuple[Any, ...]]) -> Iterator[Case]:
    some: list[Told] = []
    is_cut = False
    for row in rows:
        if len(some) == MOST_EVENTS:
            is_cut = True
            yield Case(reference=reference, events=tuple(some), is_cut=True)
            some = []
        some.append(_told(row))
    yield Case(reference=reference, events=tuple(some), is_cut=is_cut)


def _told(row: tuple[Any, ...]) -> Told:
    reference, event, transition, at, actor, reason, payload, old, status, number, raw = row
    told = Event(
        reference=reference,
        id=event,
        transition=transition,
        happened_at=datetime.fromisoformat(at),
        actor=actor,
        reason=reason,
        payload=json.loads(payload) if payload else {},
        old=old,
        status=status,
    )
    return Told(told, number, raw)


def write(path: Path, *, items: Iterable[Told | Bad | None], digest: str) -> None:
    """Fill a spool and put it in its place, readable by nobody else.

    Args:
        items: What each row was; None for one that the mapping leaves out.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    database = sqlite3.connect(part, isolation_level=None)
    try:
        # Nothing of it is of value before it is complete.
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -65536")
        database.executescript(_TABLES)
        facts = _fill(database, items)
        database.execute("CREATE INDEX event_order ON event (reference, n)")
        facts |= {"digest": digest}
        database.executemany("INSERT INTO fact VALUES (?, ?)", facts.items())
        database.close()
        part.replace(path)
    finally:
        database.close()
        part.unlink(missing_ok=True)


def _fill(database: sqlite3.Connection, items: Iterable[Told | Bad | None]) -> dict[str, str]:
    rows = events = bad = 0
    ahead: list[tuple[Any, ...]] = []
    database.execute("BEGIN")
    for item in items:
        rows += 1
        match item:
            case Told():
                events += 1
                ahead.append(_flat(item))
                if len(ahead) >= _TOGETHER:
                    _insert(database, ahead)
            case Bad(number=number, problem=problem, raw=raw, fault=fault):
                bad += 1
                told = [number, _storable(problem), _storable(raw), fault.value]
                database.execute("INSERT INTO bad VALUES (?, ?, ?, ?)", told)
            case None:
                pass
    _insert(database, ahead)
    database.execute("COMMIT")
    return {"rows": str(rows), "events": str(events), "ignored": str(rows - events - bad)}


def _insert(database: sqlite3.Connection, ahead: list[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * (_COLUMNS.count(",") + 1))
    database.executemany(f"INSERT INTO event ({_COLUMNS}) VALUES ({marks})", ahead)  # noqa: S608
    ahead.clear()


def _storable(text: str) -> str:
    """Return the text with what no database stores spelled out: lone surrogates, NUL."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


_encode = json.JSONEncoder(separators=(",", ":")).encode


def _flat(told: Told) -> tuple[Any, ...]:
    event = told.event
    return (
        event.reference,
        event.id,
        event.transition,
        event.happened_at.isoformat(),
        event.actor,
        event.reason,
        _encode(dict(event.payload)) if event.payload else "",
        event.old,
        event.status,
        told.row,
        told.text,
    )
