# ruff: noqa: S608  (what is put into statements are this file's own constants)
"""The yardstick's statements: request, claim, commit, call, settle; each for a batch."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import urllib3

from workflow.examples.declarations.benchmark.by_hand.connect import Connection
from workflow.models.identity import uuid7

BATCH = 50
_THREADS = 16
_GENESIS = "0" * 64

Row = tuple[Any, ...]


def request(db: Connection, records: list[UUID], now: datetime) -> list[UUID]:
    """Write a batch of requests."""
    names = [uuid7() for _ in records]
    pairs = list(zip(names, records, strict=True))
    with db.transaction():
        db.many(
            "insert into hand_envelope (id, record, transition, actor, reason, payload, digest,"
            " requested_at, state, due_at, fence, worker)"
            " values (%s, %s, 'approve', 'somebody', '', '{}', %s, %s, 'waiting', %s, 0, '')",
            [
                (name, record, hashlib.sha256(record.bytes).hexdigest(), now, now)
                for name, record in pairs
            ],
        )
        _enter(db, now, [(record, name, "requested", "submitted", "") for name, record in pairs])
    return names


class Loop:
    """One worker."""

    def __init__(self, db: Connection, *, worker: str, sink: str) -> None:
        self._db = db
        self._worker = worker
        self._sink = None if sink == "none" else sink
        self._hands = ThreadPoolExecutor(_THREADS)
        self._http = urllib3.PoolManager(maxsize=_THREADS)

    def turn(self) -> bool:
        """Work off one batch; return whether there was one."""
        now = datetime.now(UTC)
        claim = uuid7()
        with self._db.transaction():
            held = self._db.all(
                "update hand_envelope set state = 'running', claim = %s, fence = fence + 1,"
                " worker = %s, claimed_at = %s, due_at = %s where id in"
                " (select id from hand_envelope where state = 'waiting' and due_at <= %s"
                f" order by due_at limit {BATCH}{self._db.skip_locked})"
                " returning id, record, fence",
                (claim, self._worker, now, now + timedelta(seconds=30), now),
            )
        if not held:
            return False
        effects = self._commit(held, claim, now)
        if self._sink:
            answers = list(self._hands.map(self._call, [effect[1] for effect in effects]))
            self._settle(effects, answers, now)
        return True

    def _commit(
        self, held: list[Row], claim: UUID, now: datetime
    ) -> list[tuple[int, str, Any, Any]]:
        db = self._db
        with db.transaction():
            ids, records = [row[0] for row in held], [row[1] for row in held]
            fences = {row[1]: (row[0], row[2]) for row in held}
            found = db.all(
                "select id, reference, status, version, amount from hand_record"
                f" where id in ({db.places(records)}) order by id{db.for_update}",
                records,
            )
            moved = [row for row in found if row[2] == "submitted" and row[4] > 0]
            db.many(
                "update hand_record set status = 'approved', version = version + 1,"
                " approved_at = %s, changed_at = %s where id = %s and status = 'submitted'",
                [(now, now, row[0]) for row in moved],
            )
            db.run(
                "update hand_envelope set state = 'fired', due_at = null, finished_at = %s"
                f" where claim = %s and id in ({db.places(ids)})",
                [now, claim, *ids],
            )
            of = {row[0]: fences[row[0]] for row in moved}
            db.many(
                "insert into hand_attempt (envelope, fence, worker, started_at, ended_at, ending)"
                " values (%s, %s, %s, %s, %s, 'fired')",
                [(name, fence, self._worker, now, now) for name, fence in of.values()],
            )
            db.many(
                "insert into hand_history (record, reference, status, amount, approved_at, at,"
                " actor, envelope) values (%s, %s, 'approved', %s, %s, %s, 'somebody', %s)",
                [(row[0], row[1], row[4], now, now, of[row[0]][0]) for row in moved],
            )
            effects = self._intend(moved, of, now) if self._sink else []
            _enter(
                db,
                now,
                [(row[0], of[row[0]][0], "fired", "submitted", "approved") for row in moved],
            )
        return effects

    def _intend(
        self, moved: list[Row], of: dict[Any, tuple[Any, int]], now: datetime
    ) -> list[tuple[int, str, Any, Any]]:
        db = self._db
        rows = [(f"{of[row[0]][0]}:notify", of[row[0]][0], row[0]) for row in moved]
        db.many(
            "insert into hand_effect (envelope, record, name, key, channel, request, state, fence,"
            " planned_at, due_at) values (%s, %s, 'notify', %s, 'benchmark', %s, 'sending', 1, %s,"
            " %s)",
            [
                (name, record, key, json.dumps({"declaration": key}), now, now)
                for key, name, record in rows
            ],
        )
        keys = [key for key, _, _ in rows]
        return db.all(
            f"select id, key, envelope, record from hand_effect where key in ({db.places(keys)})"
            " order by record",
            keys,
        )

    def _call(self, key: str) -> str:
        answer = self._http.request(
            "POST",
            str(self._sink),
            body=json.dumps({"declaration": key}),
            headers={"Content-Type": "application/json", "Idempotency-Key": key},
            retries=False,
        )
        return answer.data.decode()

    def _settle(
        self, effects: list[tuple[int, str, Any, Any]], answers: list[str], began: datetime
    ) -> None:
        db = self._db
        now = datetime.now(UTC)
        pairs = list(zip(effects, answers, strict=True))
        with db.transaction():
            db.many(
                "update hand_effect set state = 'done', receipt = %s, due_at = null,"
                " finished_at = %s where id = %s and state = 'sending'",
                [(answer, now, effect[0]) for effect, answer in pairs],
            )
            db.many(
                "insert into hand_effect_attempt (effect, fence, started_at, ended_at, outcome,"
                " answer) values (%s, 1, %s, %s, 'done', %s)",
                [(effect[0], began, now, answer) for effect, answer in pairs],
            )
            _enter(db, now, [(effect[3], effect[2], "effect_done", "", "") for effect in effects])


def _enter(db: Connection, now: datetime, notes: list[tuple[Any, Any, str, str, str]]) -> None:
    """Append to the records' chains."""
    chains = [note[0] for note in notes]
    heads = {
        row[0]: (row[1], row[2])
        for row in db.all(
            "select e.chain, e.sequence, e.digest from hand_entry e join"
            " (select chain, max(sequence) as last from hand_entry"
            f" where chain in ({db.places(chains)}) group by chain) h"
            " on h.chain = e.chain and h.last = e.sequence",
            chains,
        )
    }
    rows = []
    for chain, name, action, old, new in notes:
        sequence, previous = heads.get(chain, (0, _GENESIS))
        evidence = json.dumps({"transition": "approve", "origin": "command"})
        said = [str(chain), sequence + 1, now.isoformat(), action, "somebody", old, new]
        text = json.dumps([*said, str(name), evidence, previous], separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        rows.append(
            (
                *(chain, sequence + 1, now, action, "somebody", old, new),
                *(name, evidence, previous, digest),
            )
        )
    db.many(
        "insert into hand_entry (chain, sequence, at, action, actor, old, new, envelope, evidence,"
        " previous, digest) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        rows,
    )
