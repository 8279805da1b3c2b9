"""Rows of a reporting table: written once, however often they are sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, models
from django.db.transaction import atomic

from tests.effects.calls import call
from workflow.definition import Channel, Done, Rejected, Resend
from workflow.effects.reporting_row import UnusableTable, reporting_row, send_row


class Row(models.Model):  # noqa: DJ008
    key = models.CharField(max_length=128, unique=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    number = models.CharField(max_length=10, unique=True)

    class Meta:
        app_label = "reporting"


class Named(models.Model):  # noqa: DJ008
    envelope = models.CharField(max_length=200, primary_key=True)

    class Meta:
        app_label = "reporting"


class Loose(models.Model):  # noqa: DJ008
    key = models.CharField(max_length=128)
    short = models.CharField(max_length=64, unique=True)
    number = models.IntegerField(unique=True)

    class Meta:
        app_label = "reporting"


class Constrained(models.Model):  # noqa: DJ008
    key = models.CharField(max_length=128)

    class Meta:
        app_label = "reporting"
        constraints = [models.UniqueConstraint(fields=["key"], name="constrained_key")]


class Half(models.Model):  # noqa: DJ008
    key = models.CharField(max_length=128)

    class Meta:
        app_label = "reporting"
        constraints = [
            models.UniqueConstraint(
                fields=["key"], name="half_key", condition=models.Q(key__gt="a")
            )
        ]


@pytest.fixture
def tables(transactional_db: None) -> Iterator[None]:
    with connection.schema_editor() as editor:
        editor.create_model(Row)
        editor.create_model(Named)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(Row)
        editor.delete_model(Named)


REQUEST = {"amount": "42.00", "number": "D-1"}


@pytest.mark.usefixtures("tables")
def test_a_row_sent_again_is_found() -> None:
    send = send_row(model=Row)
    first = send(call(REQUEST))
    again = send(call(REQUEST, attempt=2))
    row = Row.objects.get()
    assert row.amount == Decimal("42.00")
    assert row.key == call().key
    assert first == Done(receipt={"row": str(row.pk), "is_new": True})
    assert again == Done(receipt={"row": str(row.pk), "is_new": False})


@pytest.mark.usefixtures("tables")
def test_many_threads_write_it_once_and_leave_no_connection() -> None:
    send = send_row(model=Row)
    results: list[Any] = []
    open_connections: list[bool] = []
    barrier = threading.Barrier(8)

    def write() -> None:
        barrier.wait()
        results.append(send(call(REQUEST)))
        open_connections.append(connection.connection is not None)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert Row.objects.count() == 1
    assert all(isinstance(result, Done) for result in results)
    assert sum(result.receipt["is_new"] for result in results) == 1
    assert open_connections == [False] * 8


@pytest.mark.usefixtures("tables")
def test_within_a_transaction_its_failure_spoils_nothing() -> None:
    send = send_row(model=Row)
    with atomic():
        send(call(REQUEST))
        send(call(REQUEST))
        assert Row.objects.count() == 1
    assert Row.objects.count() == 1


@pytest.mark.usefixtures("tables")
def test_the_key_may_be_the_primary_key() -> None:
    send = send_row(model=Named, key="envelope")
    assert send(call({})) == Done(receipt={"row": call().key, "is_new": True})
    assert send(call({})) == Done(receipt={"row": call().key, "is_new": False})


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    "request_body",
    [
        {"amount": "much", "number": "D-1"},
        {"amount": "42.00", "number": "x" * 11},
        {"amount": "42.00", "number": None},
        {"amount": "42.00", "number": "D-1", "more": 1},
    ],
)
def test_a_row_that_does_not_fit_is_rejected(request_body: dict[str, Any]) -> None:
    result = send_row(model=Row)(call(request_body))
    assert isinstance(result, Rejected)
    assert "reporting_row" in result.reason
    assert Row.objects.count() == 0


@pytest.mark.usefixtures("tables")
def test_another_row_in_its_place_is_no_success() -> None:
    send = send_row(model=Row)
    send(call(REQUEST))
    result = send(call(REQUEST, key="other:pay"))
    assert isinstance(result, Rejected)
    assert Row.objects.count() == 1


@pytest.mark.parametrize(
    ("model", "key", "told"),
    [
        (Row, "nowhere", "does not exist"),
        (Loose, "key", "unique"),
        (Loose, "short", "128"),
        (Loose, "number", "CharField"),
        (Half, "key", "unique"),
    ],
)
def test_a_table_that_cannot_keep_the_key_is_found_at_start(
    model: type[models.Model], key: str, told: str
) -> None:
    with pytest.raises(UnusableTable, match=told):
        send_row(model=model, key=key)


def test_an_effect_in_one_line() -> None:
    effect = reporting_row(
        name="report", channel=Channel(name="reports"), model=Constrained, row=lambda _: {}
    )
    assert effect.recovery == Resend()
