"""The ways in which a row can be changed or deleted, with and without the ORM's knowledge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, models


def stored(model: type[models.Model], name: str, value: Any) -> Any:
    """Return a value as the database holds it, for SQL that is written by hand."""
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    plain = value.pk if isinstance(value, models.Model) else value
    return field.get_db_prep_save(plain, connection)


def column(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return connection.ops.quote_name(field.column or "")


def table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def run(sql: str, *values: Any) -> int:
    """Execute one statement and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def by_save(row: models.Model, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def by_update(row: models.Model, **values: Any) -> None:
    assert type(row)._base_manager.filter(pk=row.pk).update(**values) == 1


def by_bulk_update(row: models.Model, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    type(row)._base_manager.bulk_update([row], list(values))


def by_sql(row: models.Model, **values: Any) -> None:
    model = type(row)
    sets = ", ".join(f"{column(model, name)} = %s" for name in values)
    new = [stored(model, name, value) for name, value in values.items()]
    sql = f"UPDATE {table(model)} SET {sets} WHERE {column(model, _key(model))} = %s"
    assert run(sql, *new, stored(model, _key(model), row.pk)) == 1


def by_upsert(row: models.Model, **values: Any) -> None:
    """INSERT … ON CONFLICT DO UPDATE, of the row itself with other values."""
    for name, value in values.items():
        setattr(row, name, value)
    type(row)._base_manager.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=[_key(type(row))],
        update_fields=list(values),
    )


def _key(model: type[models.Model]) -> str:
    assert model._meta.pk is not None
    return model._meta.pk.name


ON_POSTGRESQL = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="a statement that only PostgreSQL has"
)
ON_SQLITE = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="a statement that only SQLite has"
)

Change = Callable[..., None]

CHANGES: dict[str, Change] = {
    "save": by_save,
    "queryset update": by_update,
    "bulk update": by_bulk_update,
    "raw SQL": by_sql,
    "upsert": by_upsert,
}


def delete_instance(row: models.Model) -> None:
    row.delete()


def delete_queryset(row: models.Model) -> None:
    type(row)._base_manager.filter(pk=row.pk).delete()


def delete_unchecked(row: models.Model) -> None:
    """Delete as Django does once it has looked for dependants."""
    type(row)._base_manager.filter(pk=row.pk)._raw_delete(connection.alias)


def delete_by_sql(row: models.Model) -> None:
    model = type(row)
    sql = f"DELETE FROM {table(model)} WHERE {column(model, _key(model))} = %s"
    run(sql, stored(model, _key(model), row.pk))


DELETIONS: dict[str, Callable[[models.Model], None]] = {
    "instance": delete_instance,
    "queryset": delete_queryset,
    "unchecked": delete_unchecked,
    "raw SQL": delete_by_sql,
}
