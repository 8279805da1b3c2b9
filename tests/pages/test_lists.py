"""Lists: found by anything, paged without gap, exported, at a constant number of statements."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.pages.conftest import Scene, browser, text
from workflow.engine import clock
from workflow.models import Record, TransitionEnvelope
from workflow.pages.csvs import cell
from workflow.pages.paging import page
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

RECORDS = "/admin/workflow/record/"
ENVELOPES = "/admin/workflow/transitionenvelope/"
TRAIL = "/admin/audit/entry/"


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_hold_each_row_once_even_where_times_are_equal(
    scene: Scene, newest_first: bool
) -> None:
    for _ in range(11):
        scene.make()
    seen: list[object] = []
    after = ""
    while True:
        found = page(
            Record.objects.all(), by="created_at", after=after, newest_first=newest_first, size=3
        )
        seen += [row.pk for row in found.rows]
        after = found.after
        if not after:
            break
    sign = "-" if newest_first else ""
    expected = Record.objects.order_by(f"{sign}created_at", f"{sign}pk")
    assert seen == list(expected.values_list("pk", flat=True))


@pytest.mark.parametrize("after", ["", "x", "2026~x", "2026-01-01~", "~", "9999-99-99~0"])
def test_an_address_that_names_no_row_begins_at_the_start(scene: Scene, after: str) -> None:
    scene.make()
    found = page(Record.objects.all(), by="created_at", after=after)
    assert found.is_first
    assert len(found.rows) == 1


@pytest.mark.parametrize("address", ["/desk/", RECORDS, ENVELOPES, TRAIL])
@pytest.mark.parametrize("name", ["q", "status", "state", "workflow", "action", "after", "before"])
def test_what_no_database_can_hold_finds_nothing_and_breaks_nothing(
    scene: Scene, support: User, address: str, name: str
) -> None:
    scene.make()
    for odd in ("%00", "a%00b", "%ff", "x" * 3000):
        assert browser(support).get(f"{address}?{name}={odd}").status_code == 200


def test_the_lists_filter_and_say_how_many(scene: Scene, support: User) -> None:
    scene.parked()
    scene.waiting()
    client = browser(support)

    assert "2 found" in text(client.get(RECORDS))
    assert "1 found" in text(client.get(f"{ENVELOPES}?state=parked"))
    assert "1 found" in text(client.get(f"{ENVELOPES}?q=permanent"))
    assert "taken as reason code" in text(client.get(f"{ENVELOPES}?q=permanent"))
    assert "2 found" in text(client.get(f"{ENVELOPES}?q=ann"))
    assert "2 found" in text(client.get(f"{RECORDS}?status=new"))
    assert "0 found" in text(client.get(f"{RECORDS}?status=open"))


def test_days_drill_down(scene: Scene, support: User) -> None:
    scene.waiting()
    client = browser(support)
    today = timezone.localdate(clock.now())
    tomorrow = today + timedelta(days=1)

    assert "1 found" in text(client.get(f"{ENVELOPES}?from={today}&to={today}"))
    assert "0 found" in text(client.get(f"{ENVELOPES}?from={tomorrow}"))
    assert "0 found" in text(client.get(f"{RECORDS}?to={today - timedelta(days=1)}"))
    assert "1 found" in text(client.get(f"{ENVELOPES}?from=nonsense&to=9999-12-31"))


def test_the_trail_is_found_by_record_actor_and_action(scene: Scene, support: User) -> None:
    envelope = scene.parked()
    scene.waiting()
    client = browser(support)

    assert text(client.get(f"{TRAIL}?q={envelope.record.reference}")).count("#") >= 3
    assert "newest 100000 entries" in text(client.get(f"{TRAIL}?action=parked"))
    assert "Parked for a person" in text(client.get(f"{TRAIL}?q=Ann Lee&action=parked"))
    assert "Nothing found" in text(client.get(f"{TRAIL}?q=nobody at all"))


def test_the_csv_holds_every_row_and_no_formula(scene: Scene, support: User) -> None:
    for _ in range(3):
        scene.waiting(reason="=1+1")
    TransitionEnvelope.objects.update(message="=HYPERLINK(1)")
    response = browser(support).get(f"{ENVELOPES}?format=csv")

    told = b"".join(response.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(told)))
    assert len(rows) == 3
    assert {row["message"] for row in rows} == {"'=HYPERLINK(1)"}
    assert rows[0]["state"] == "waiting"
    assert "attachment" in response.headers["Content-Disposition"]
    for path in (RECORDS, TRAIL):
        answer = browser(support).get(f"{path}?format=csv")
        assert len(b"".join(answer.streaming_content).splitlines()) >= 4


@pytest.mark.parametrize("value", ["=1", "+1", "-1", "@a", "\tx", "\rx"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(value: str) -> None:
    assert cell(value) == f"'{value}"


@pytest.mark.parametrize(
    ("path", "statements"),
    [
        ("/admin/", 32),
        ("/admin/attention/", 11),
        ("/admin/channels/", 9),
        (RECORDS, 7),
        (f"{RECORDS}?q=T-&status=new", 7),
        (ENVELOPES, 7),
        (f"{ENVELOPES}?q=ann", 12),
        (TRAIL, 7),
        ("/desk/", 13),
    ],
)
def test_the_number_of_statements_does_not_grow(
    scene: Scene, support: User, path: str, statements: int, django_assert_max_num_queries
) -> None:
    client = browser(support)
    scene.make()
    for _ in range(2):
        scene.parked()
    client.get(path)
    with django_assert_max_num_queries(statements) as few:
        client.get(path)
    for _ in range(8):
        scene.parked()
        scene.waiting()
    with django_assert_max_num_queries(statements) as many:
        client.get(path)
    assert len(many) == len(few)


def test_the_pages_of_record_and_envelope_take_a_constant_number(
    scene: Scene, support: User, django_assert_max_num_queries
) -> None:
    client = browser(support)
    record = scene.make()
    scene.ask(record)
    drain()
    envelope = scene.ask(record, "note", payload={"note": "x"}).envelope
    drain()
    paths = [f"{RECORDS}{record.pk}/change/", f"{ENVELOPES}{envelope.pk}/change/"]
    counts = []
    for _ in range(2):
        for path in paths:
            with django_assert_max_num_queries(26) as seen:
                client.get(path)
            counts.append(len(seen))
        for number in range(8):
            scene.ask(record, "note", payload={"note": str(number)})
            drain()
    assert counts[:2] == counts[2:]
