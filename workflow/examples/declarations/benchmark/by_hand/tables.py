"""The yardstick's tables, beside the engine's in the same database."""

from __future__ import annotations

from typing import Any

_TYPES = {
    "postgresql": {"key": "bigserial primary key", "id": "uuid", "at": "timestamptz"},
    "sqlite": {"key": "integer primary key", "id": "char(32)", "at": "text"},
}

_SQL = """
create table hand_record (
    id {id} primary key, reference text, status text, version integer, amount numeric(12, 2),
    approved_at {at}, changed_at {at});
create table hand_envelope (
    id {id} primary key, record {id}, transition text, actor text, reason text, payload text,
    digest text, requested_at {at}, state text, due_at {at}, fence integer, claim {id},
    worker text, claimed_at {at}, finished_at {at});
create index hand_due on hand_envelope (state, due_at) where due_at is not null;
create unique index hand_slot on hand_envelope (record) where state in ('waiting', 'running');
create index hand_of_record on hand_envelope (record, requested_at);
create table hand_attempt (
    id {key}, envelope {id}, fence integer, worker text, started_at {at}, ended_at {at},
    ending text);
create unique index hand_attempt_fence on hand_attempt (envelope, fence);
create table hand_history (
    id {key}, record {id}, reference text, status text, amount numeric(12, 2), approved_at {at},
    at {at}, actor text, envelope {id});
create index hand_history_record on hand_history (record, at);
create table hand_entry (
    id {key}, chain {id}, sequence integer, at {at}, action text, actor text, old text, new text,
    envelope {id}, evidence text, previous text, digest text, unique (chain, sequence));
create table hand_effect (
    id {key}, envelope {id}, record {id}, name text, key text unique, channel text, request text,
    receipt text, state text, fence integer, planned_at {at}, due_at {at}, finished_at {at});
create index hand_effect_due on hand_effect (state, due_at) where due_at is not null;
create table hand_effect_attempt (
    id {key}, effect {id_of_effect}, fence integer, started_at {at}, ended_at {at}, outcome text,
    answer text)
"""


def make(cursor: Any, vendor: str) -> None:
    """Create them, empty."""
    for statement in _SQL.format(**_TYPES[vendor], id_of_effect="bigint").split(";"):
        cursor.execute(statement)
