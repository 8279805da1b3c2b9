"""A row in a reporting table, of any model in any of the project's databases, written once.

The effect's key stands in a unique column, so writing again finds the row: `Resend` is true here
by the database's own word. The table may be far away, in a database that is not always there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import IntegrityError, InterfaceError, OperationalError, connections, models
from django.db.models.constraints import UniqueConstraint
from django.db.transaction import atomic

from workflow.definition import (
    Call,
    Channel,
    Context,
    Done,
    Effect,
    Postponed,
    Rejected,
    Resend,
    Result,
    Retry,
    Unknown,
    WorkflowError,
)

S = TypeVar("S")

KEY_LENGTH = 128
"""Characters that the key's column needs to hold."""


class UnusableTable(WorkflowError):
    """A reporting table cannot keep an effect's key."""

    code = "unusable_table"


def reporting_row(
    *,
    name: str,
    channel: Channel,
    model: type[models.Model],
    row: Callable[[Context[S]], Mapping[str, Any] | None],
    key: str = "key",
    using: str = "default",
    retry: Retry | None = None,
    timeout: timedelta = timedelta(seconds=10),
) -> Effect[S]:
    """Return an effect that writes a row.

    Args:
        model: The table.
        row: Returns the row's fields, as JSON types; None where there is nothing to report.
        key: Its unique text column, of 128 characters or more, for the effect's key.
        using: Alias of its database.

    Raises:
        UnusableTable: The column is not there, too short, or not unique.
    """
    return Effect(
        name=name,
        channel=channel,
        request=row,
        send=send_row(model=model, key=key, using=using),
        recovery=Resend(),
        retry=retry or Retry(),
        timeout=timeout,
    )


def send_row(
    *, model: type[models.Model], key: str = "key", using: str = "default"
) -> Callable[[Call], Result]:
    """Return the `send` of such an effect, for one that is declared by hand.

    Raises:
        UnusableTable: The column is not there, too short, or not unique.
    """
    _check(model, key)

    def send(call: Call) -> Result:
        connection = connections[using]
        is_own = not connection.in_atomic_block
        try:
            connection.ensure_connection()
        except (OperationalError, InterfaceError) as error:
            return Postponed(
                reason=f"Database {using!r} was not reached: {error}", code="not_sent"
            )
        try:
            return _write(model, key, using, call)
        finally:
            if is_own:
                # This thread may not come again, and nobody else would close it.
                connection.close()

    return send


def _write(model: type[models.Model], key: str, using: str, call: Call) -> Result:
    where = f"table {model._meta.db_table!r}"
    try:
        made = model(**{**call.request, key: call.key})
        made.clean_fields(exclude={made._meta.pk.attname} if made.pk is None else None)
    except (TypeError, ValidationError) as error:
        return Rejected(reason=f"The row does not fit {where}: {error}", code="unsendable")
    try:
        with atomic(using=using):
            made.save(using=using, force_insert=True)
    except IntegrityError as error:
        found = model._base_manager.using(using).filter(**{key: call.key}).first()
        if found is None:
            return Rejected(reason=f"{where} does not take the row: {error}", code="refused")
        return Done(receipt={"row": str(found.pk), "is_new": False})
    except (OperationalError, InterfaceError) as error:
        return Unknown(reason=f"{where} may have the row: {error}", code="no_answer")
    return Done(receipt={"row": str(made.pk), "is_new": True})


def _check(model: type[models.Model], key: str) -> None:
    where = f"{model._meta.label}.{key}"
    try:
        field = model._meta.get_field(key)
    except FieldDoesNotExist:
        raise UnusableTable(
            f"{where} does not exist; name the column that keeps the key."
        ) from None
    if not isinstance(field, models.CharField) or (field.max_length or KEY_LENGTH) < KEY_LENGTH:
        raise UnusableTable(f"{where} has to be a CharField(max_length={KEY_LENGTH}) or longer.")
    is_unique = field.unique or any(
        isinstance(each, UniqueConstraint) and each.fields == (key,) and each.condition is None
        for each in model._meta.constraints
    )
    if not is_unique:
        raise UnusableTable(f"{where} has to be unique, or a repeated call would write two rows.")
