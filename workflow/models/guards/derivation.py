"""What is guarded, derived from the models.

A column that is not named here as one that may change is guarded: whoever adds a field to a model
and forgets this file meets a refusal at the first update, not a hole at the first audit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.db import models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import Query

from audit.models import APPEND_ONLY
from workflow.models.attempt import Attempt
from workflow.models.effect_attempt import EffectAttempt
from workflow.models.effect_entry import EFFECT_FINAL, EffectEntry
from workflow.models.envelope import FINAL, State, TransitionEnvelope
from workflow.models.guards.rules import (
    AppendOnly,
    EnvelopeGuard,
    Key,
    LedgerGuard,
    Rule,
    StatusGuard,
    Table,
)
from workflow.models.record import Record
from workflow.models.signature import Signature
from workflow.models.tracked import TransitionHistory

_MAY_CHANGE_ON_RECORD = ("reference", "status", "version", "last_transition", "status_since")

_MAY_CHANGE_ON_ENVELOPE = (
    "state",
    "due_at",
    "fence",
    "claim",
    "worker",
    "claimed_at",
    "attempts",
    "crashes",
    "called",
    "closing_as",
    "code",
    "message",
    "resulting_version",
    "finished_at",
)

_MAY_CHANGE_ON_EFFECT = (
    "state",
    "due_at",
    "fence",
    "claim",
    "worker",
    "claimed_at",
    "send_until",
    "attempts",
    "checks",
    "crashes",
    "is_doubtful",
    "first_sent_at",
    "receipt",
    "code",
    "message",
    "fraction",
    "progress_note",
    "heard_at",
    "waits_until",
    "finished_at",
)

_MAY_CHANGE: dict[type[models.Model], tuple[str, ...]] = {
    Record: _MAY_CHANGE_ON_RECORD,
    TransitionEnvelope: _MAY_CHANGE_ON_ENVELOPE,
    EffectEntry: _MAY_CHANGE_ON_EFFECT,
}
"""The other guarded tables are append-only."""

Columns = Mapping[str, frozenset[str]]
"""The columns that each existing table really has; between two migrations, not all of them."""


def derive(connection: BaseDatabaseWrapper, columns: Columns) -> Iterator[Rule]:
    """Yield the rules for those guarded tables that exist, and for their existing columns.

    A rule whose own columns are not there yet is left out; the migration that brings them brings
    the rule.
    """
    for model in guarded(connection.alias):
        if model._meta.db_table in columns:
            rule = _rule(model, connection, columns)
            if rule is not None:
                yield rule


def _rule(
    model: type[models.Model], connection: BaseDatabaseWrapper, columns: Columns
) -> Rule | None:
    changing = _MAY_CHANGE.get(model)
    if changing is None:
        return AppendOnly(table=_table(model, connection, columns))
    if not _exist(model, changing, columns):
        return None
    if model is EffectEntry:
        return _effect(connection, columns)
    if not _exist(TransitionEnvelope, _MAY_CHANGE_ON_ENVELOPE, columns):
        return None
    return _status(connection, columns) if model is Record else _envelope(connection, columns)


def guarded(alias: str) -> list[type[models.Model]]:
    """Return the models whose tables in this database are guarded, history tables among them."""
    histories: Iterator[type[models.Model]] = (
        model
        for model in apps.get_models(include_auto_created=True)
        if issubclass(model, TransitionHistory) and model._meta.managed
    )
    own = (Record, TransitionEnvelope, Attempt, EffectEntry, EffectAttempt, Signature)
    candidates: list[type[models.Model]] = [*own, *APPEND_ONLY, *histories]
    found: dict[str, type[models.Model]] = {}
    for model in candidates:
        if router.allow_migrate_model(alias, model):
            found.setdefault(model._meta.db_table, model)
    return list(found.values())


def _status(connection: BaseDatabaseWrapper, columns: Columns) -> StatusGuard:
    return StatusGuard(
        table=_table(Record, connection, columns),
        fixed=_fixed(Record, _MAY_CHANGE_ON_RECORD, columns),
        status=_column(Record, "status"),
        version=_column(Record, "version"),
        last_transition=_column(Record, "last_transition"),
        since=_column(Record, "status_since"),
        envelope=_envelope(connection, columns),
    )


def _envelope(connection: BaseDatabaseWrapper, columns: Columns) -> EnvelopeGuard:
    return EnvelopeGuard(
        table=_table(TransitionEnvelope, connection, columns),
        fixed=_fixed(TransitionEnvelope, _MAY_CHANGE_ON_ENVELOPE, columns),
        record=_column(TransitionEnvelope, "record"),
        target=_column(TransitionEnvelope, "target"),
        state=_column(TransitionEnvelope, "state"),
        fence=_column(TransitionEnvelope, "fence"),
        resulting_version=_column(TransitionEnvelope, "resulting_version"),
        fired=State.FIRED.value,
        final=tuple(state.value for state in FINAL),
        outcome=tuple(
            _column(TransitionEnvelope, name)
            for name in ("state", "code", "resulting_version", "finished_at", "fence")
        ),
    )


def _effect(connection: BaseDatabaseWrapper, columns: Columns) -> LedgerGuard:
    return LedgerGuard(
        table=_table(EffectEntry, connection, columns),
        fixed=_fixed(EffectEntry, _MAY_CHANGE_ON_EFFECT, columns),
        state=_column(EffectEntry, "state"),
        fence=_column(EffectEntry, "fence"),
        final=tuple(state.value for state in EFFECT_FINAL),
        outcome=tuple(
            _column(EffectEntry, name)
            for name in ("state", "code", "receipt", "finished_at", "fence")
        ),
    )


def _table(model: type[models.Model], connection: BaseDatabaseWrapper, columns: Columns) -> Table:
    key = model._meta.pk
    present = columns[model._meta.db_table]
    return Table(
        name=model._meta.db_table,
        key=_column_of(key),
        types={
            _column_of(field): field.db_type(connection) or ""
            for field in model._meta.local_concrete_fields
        },
        unique=tuple(
            unique
            for unique in _unique(model, connection)
            if present.issuperset((*unique.columns, *unique.condition_columns))
        ),
    )


def _unique(model: type[models.Model], connection: BaseDatabaseWrapper) -> Iterator[Key]:
    for field in model._meta.local_concrete_fields:
        if field.unique:
            yield Key(columns=(_column_of(field),))
    for together in model._meta.unique_together:
        yield Key(columns=tuple(_column(model, name) for name in together))
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
            yield _key(model, constraint, connection)


def _key(
    model: type[models.Model], constraint: models.UniqueConstraint, connection: BaseDatabaseWrapper
) -> Key:
    columns = tuple(_column(model, name) for name in constraint.fields)
    if constraint.condition is None:
        return Key(columns=columns)
    query = Query(model, alias_cols=False)
    where = query.build_where(constraint.condition)
    sql, params = query.get_compiler(connection=connection).compile(where)
    quote = connection.schema_editor(collect_sql=True).quote_value
    return Key(
        columns=columns,
        condition=sql % tuple(quote(value) for value in params),
        condition_columns=tuple(
            _column(model, name) for name in sorted(constraint.condition.referenced_base_fields)
        ),
    )


def _fixed(
    model: type[models.Model], may_change: tuple[str, ...], columns: Columns
) -> tuple[str, ...]:
    changing = {_column(model, name) for name in may_change}
    present = columns[model._meta.db_table]
    return tuple(
        column
        for column in map(_column_of, model._meta.local_concrete_fields)
        if column in present and column not in changing
    )


def _exist(model: type[models.Model], names: tuple[str, ...], columns: Columns) -> bool:
    present = columns.get(model._meta.db_table, frozenset())
    return present.issuperset(_column(model, name) for name in names)


def _column(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field):
        raise TypeError(f"{model._meta.label}.{name} is not a field of its own")
    return _column_of(field)


def _column_of(field: models.Field[Any, Any]) -> str:
    if field.column is None:
        raise TypeError(f"{field} has no column")
    return field.column
