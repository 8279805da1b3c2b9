"""G3, G5, E5, E12: what the API tells of records, transitions, effects and workflows."""

from __future__ import annotations

import base64
import itertools
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.api.conftest import Api, Caller, allow, problem, start_probe
from tests.effects.conftest import Make
from workflow.engine import clock
from workflow.examples.declarations.models import Declaration
from workflow.models import EffectEntry, Record, TransitionEnvelope
from workflow.testing.drain import drain
from workflow.testing.guards import lifted


def pages(api: Api, path: str, **query: Any) -> list[list[dict[str, Any]]]:
    """Every page of a list."""
    found, cursor = [], ""
    for _ in range(50):
        told = api.get(path, {**query, "cursor": cursor}).json()
        found.append(told["items"])
        if told["next"] is None:
            return found
        cursor = told["next"]
    raise AssertionError("it never ends")


class TestPages:
    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
    def test_every_row_comes_once_and_in_order(self, api: Api, ann: User, limit: int) -> None:
        for _ in range(4):
            start_probe(ann)
        same = clock.now()
        for _ in range(3):  # these share a time: the key breaks the tie
            start_probe(ann, at=same)
        found = pages(api, "records", limit=limit)
        ids = [row["id"] for page in found for row in page]
        assert len(ids) == len(set(ids)) == 7
        assert all(len(page) == limit for page in found[:-1])
        times = [row["status_since"] for page in found for row in page]
        assert times == sorted(times, reverse=True)

    def test_rows_that_come_in_meanwhile_shift_nothing(self, api: Api, ann: User) -> None:
        first = [start_probe(ann) for _ in range(4)]
        told = api.get("records", {"limit": 2}).json()
        start_probe(ann)
        rest = api.get("records", {"limit": 9, "cursor": told["next"]}).json()
        ids = [row["id"] for row in told["items"] + rest["items"]]
        assert sorted(ids) == sorted(str(each.pk) for each in first)

    def test_trail_and_effects_and_transitions_in_pages(self, api: Api, make: Make) -> None:
        records = [make() for _ in range(3)]
        for record in records:
            api.ask(record, "send_letter")
        drain()
        for path in (f"records/{records[0].pk}/trail", "effects", "transitions"):
            by_one = list(itertools.chain(*pages(api, path, limit=1)))
            assert by_one == api.get(path, {"limit": 200}).json()["items"]
            assert len(by_one) >= 3

    @pytest.mark.parametrize(
        "cursor",
        [
            "x", "!!", "bnVsbA", "W10", "WzEsMl0", "WyJ4IiwieSJd", "W10=====", "é", "0" * 400,
            *(
                base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
                for place in (
                    ["2026-01-01T00:00:00+00:00", 1],
                    [1, "2026-01-01T00:00:00+00:00"],
                    ["0001-01-01T00:00:00+14:00", "3f0d6a9e-5c1b-4f60-9d29-0c2f6a1b7e55"],
                    ["9999-12-31T23:59:59-12:00", "3f0d6a9e-5c1b-4f60-9d29-0c2f6a1b7e55"],
                    [-(10**30)],
                    [True],
                    [{}],
                )
            ),
        ],
    )  # fmt: skip
    def test_a_cursor_that_is_none_of_ours(self, api: Api, cursor: str) -> None:
        for path in ("records", "transitions", "effects"):
            problem(api.get(path, {"cursor": cursor}), 400, "malformed_cursor")

    @pytest.mark.parametrize(
        ("path", "query"),
        [
            ("records", {"limit": 0}),
            ("records", {"limit": 201}),
            ("records", {"limit": "many"}),
            ("records", {"workflow": "A B"}),
            ("records", {"reference": "a\x00b"}),
            ("transitions", {"state": "lost"}),
            ("transitions", {"record": "7"}),
            ("transitions", {"requested_from": "yesterday"}),
            ("transitions", {"requested_from": "2026-01-01T00:00:00"}),
            ("effects", {"state": "lost"}),
            ("effects", {"key": "x"}),
            ("effects", {"key": "0123456789012345678901234567890123:x"}),
            ("records", {"stat": "new"}),
            ("records", {"status": ["new", "open"]}),
            ("transitions", {"channel": "post"}),
            ("workflows", {"name": "probe"}),
        ],
    )
    def test_filters_that_cannot_be_used(self, api: Api, path: str, query: dict[str, Any]) -> None:
        problem(api.get(path, query), 422, "invalid_request")

    def test_a_misspelt_filter_is_named_with_those_that_there_are(self, api: Api) -> None:
        told = problem(api.get("records", {"stat": "new"}), 422, "invalid_request")
        assert told["faults"] == [
            {
                "where": ["query", "stat"],
                "message": "is not known; use cursor, limit, reference, status, workflow",
            }
        ]


class TestFilters:
    def test_transitions(self, api: Api, ann: User, make: Make) -> None:
        one, other = start_probe(ann), make()
        before = clock.now()
        api.ask(one, headers={"X-Correlation-ID": "c-1"})
        api.ask(other, "send_letter")
        drain()

        def found(**query: Any) -> set[str]:
            return {row["transition"] for row in api.get("transitions", query).json()["items"]}

        assert found(record=one.pk) == {"open", "expire"}
        assert found(workflow="errand") == {"send_letter"}
        assert found(transition="open", state="fired") == {"open"}
        assert found(correlation_id="c-1") == {"open"}
        assert found(requested_before=before.isoformat()) == set()
        assert found(requested_from=before.isoformat(), state="scheduled") == {"expire"}
        assert found(code="status_left") == set()

    def test_effects(self, api: Api, make: Make) -> None:
        record = make()
        api.ask(record, "send_letter")
        drain()
        (row,) = api.get("effects", {"record": record.pk}).json()["items"]
        assert row["state"] == "done"
        for name, value in (("key", row["key"]), ("transition", row["transition"])):
            assert api.get("effects", {name: value}).json()["items"] == [row]
        assert api.get("effects", {"state": "in_doubt"}).json()["items"] == []
        told = api.get(row["link"]).json()
        assert [each["outcome"] for each in told["tries"]] == ["done"]

    def test_records(self, api: Api, ann: User) -> None:
        record = start_probe(ann)
        start_probe(ann)
        query = {"workflow": "probe", "status": "new", "reference": record.reference}
        (row,) = api.get("records", query).json()["items"]
        assert row["id"] == str(record.pk)
        assert row["links"]["page"] == f"/desk/records/{record.pk}/"


class TestRecord:
    def test_it_is_joined_to_its_trail(self, api: Api, probe_record: Record) -> None:
        asked = api.ask(probe_record).json()
        drain()
        told = api.get(f"records/{probe_record.pk}").json()
        assert (told["status"], told["version"], told["drift"]) == ("open", 1, [])
        assert told["trail"]["status"] == "open"
        assert told["trail"]["transition_id"] == told["last_transition"] == asked["id"]
        assert told["standing"]["sentence"]

    def test_drift_is_flagged(self, api: Api, probe_record: Record) -> None:
        with lifted(connection):
            Record.objects.filter(pk=probe_record.pk).update(status="done")
        Declaration.objects.filter(record=probe_record.pk).update(currency="USD")
        told = api.get(f"records/{probe_record.pk}").json()
        assert {(each["what"], each["told"], each["found"]) for each in told["drift"]} == {
            ("status", "new", "done"),
            ("field", "EUR", "USD"),
        }

    def test_who_is_in_flight(self, api: Api, probe_record: Record) -> None:
        asked = api.ask(probe_record)
        told = api.get(f"records/{probe_record.pk}").json()
        assert told["in_flight"] == asked.headers["Location"]

    def test_the_trail_is_told_entry_by_entry(self, api: Api, probe_record: Record) -> None:
        api.ask(probe_record, headers={"X-Correlation-ID": "c-1"})
        drain()
        told = api.get(f"records/{probe_record.pk}/trail").json()["items"]
        assert [each["action"] for each in told] == ["started", "requested", "fired"]
        assert [each["correlation_id"] for each in told[1:]] == ["c-1", "c-1"]
        assert [each["previous"] for each in told[1:]] == [each["digest"] for each in told[:-1]]
        assert told[2]["evidence"]["findings"]

    def test_the_timeline_is_told_step_by_step(self, api: Api, probe_record: Record) -> None:
        asked = api.ask(probe_record).json()
        drain()
        told = api.get(f"records/{probe_record.pk}/timeline").json()
        step = next(each for each in told["items"] if each["transition_id"] == asked["id"])
        assert (step["state"], step["attempts"][0][:8]) == ("fired", "1: Fired")
        older = api.get(f"records/{probe_record.pk}/timeline", {"limit": 1}).json()
        assert older["next"] is not None
        then = api.get(f"records/{probe_record.pk}/timeline", {"before": older["next"]}).json()
        assert then["items"]

    def test_as_it_was(self, api: Api, probe_record: Record) -> None:
        between = clock.now()
        api.ask(probe_record)
        drain()
        address = f"records/{probe_record.pk}/as-of"
        then = api.get(address, {"at": between.isoformat()}).json()
        now = api.get(address, {"at": clock.now().isoformat()}).json()
        assert (then["status"], then["version"], then["sequence"]) == ("new", 0, 1)
        assert (now["status"], now["version"]) == ("open", 1)
        assert then["fields"]["currency"] == "EUR"
        long_ago = datetime(2000, 1, 1, tzinfo=UTC).isoformat()
        problem(api.get(address, {"at": long_ago}), 404, "not_found")
        problem(api.get(address), 422, "invalid_request")
        first = "0001-01-01T00:00:00+14:00"  # in UTC, that is before the calendar begins
        problem(api.get(address, {"at": first}), 422, "invalid_request")


class TestExplain:
    def test_each_guard_says_why_and_nothing_is_written(self, api: Api, ann: User) -> None:
        record = start_probe(ann, amount=0, purpose="")
        told = api.get(f"records/{record.pk}/explain").json()
        opening = next(each for each in told["options"] if each["transition"] == "open")
        assert opening["answer"] == "would_refuse"
        assert len(opening["refusals"]) == 2
        held = {each["guard"]: each["held"] for each in opening["findings"]}
        assert held == {"amount_is_positive": False, "has_purpose": False, "scripted": True}
        assert not TransitionEnvelope.objects.exists()

    def test_a_dry_run_tells_what_it_would_send(self, api: Api, make: Make) -> None:
        record = make()
        told = api.post(f"records/{record.pk}/dry-run", {"transition": "send_letter"}).json()
        assert told["answer"] == "would_fire"
        assert [(each["effect"], each["when"]) for each in told["sends"]] == [("letter", "after")]
        assert not TransitionEnvelope.objects.exists()
        assert not EffectEntry.objects.exists()

    def test_of_an_unknown_transition(self, api: Api, probe_record: Record) -> None:
        answer = api.post(f"records/{probe_record.pk}/dry-run", {"transition": "fly"})
        problem(answer, 422, "invalid_request")

    @pytest.mark.parametrize(
        "payload", [{"colour": "red"}, {"note": ""}, {"note": "a\x00b"}, {"note": "x" * 70_000}]
    )
    def test_a_payload_that_a_request_could_not_have_would_not_fire(
        self, api: Api, probe_record: Record, payload: dict[str, str]
    ) -> None:
        api.ask(probe_record)
        drain()
        tried = api.post(
            f"records/{probe_record.pk}/dry-run", {"transition": "note", "payload": payload}
        )
        asked = api.ask(probe_record, "note", payload=payload)
        told = problem(tried, 422, "invalid_request")
        assert told["detail"] == problem(asked, 422, "invalid_request")["detail"]
        assert told["faults"][0]["where"] == ["body", "payload"]


class TestPersonal:
    @pytest.fixture
    def record(self, ann: User) -> Record:
        from datetime import date
        from decimal import Decimal

        from workflow.engine.start import start
        from workflow.examples.declarations.workflows import DECLARATION

        subject = Declaration(
            claimant=ann,
            number="D-1",
            purpose="a hidden journey",
            amount=Decimal("12.50"),
            expense_date=date(2026, 1, 2),
            declared_on=date(2026, 1, 3),
        )
        return start(
            workflow=DECLARATION, subject=subject, reference="D-1", user=ann, now=clock.now()
        )

    def test_it_is_hidden_until_it_is_revealed_with_a_reason(
        self, api: Api, record: Record
    ) -> None:
        address = f"records/{record.pk}"
        at = {"at": clock.now().isoformat()}
        for path, query in ((address, {}), (f"{address}/as-of", at), (f"{address}/timeline", {})):
            assert "a hidden journey" not in api.get(path, query).content.decode()
        problem(api.post(f"{address}/reveal", {}), 422, "invalid_request")
        told = api.post(f"{address}/reveal", {"reason": "a complaint"})
        assert "a hidden journey" in told.content.decode()
        trail = api.get(f"{address}/trail").json()["items"]
        assert (trail[-1]["action"], trail[-1]["reason"]) == ("revealed", "a complaint")

    def test_it_takes_the_right_to_it(self, keyed: Caller, record: Record) -> None:
        bob = allow(User.objects.create_user("bob"), "view_record")
        answer = keyed(bob).post(f"records/{record.pk}/reveal", {"reason": "curious"})
        problem(answer, 403, "permission_denied")


class TestWorkflows:
    def test_they_are_told_with_their_diagram(self, api: Api) -> None:
        told = api.get("workflows").json()["items"]
        assert {each["name"] for each in told} >= {"probe", "declaration"}
        one = api.get("workflows/probe").json()
        assert one in told
        assert {each["value"]: each["column"] for each in one["statuses"]} == {
            "new": 0,
            "open": 1,
            "done": 2,
        }
        close = next(each for each in one["transitions"] if each["name"] == "close")
        assert (close["permission"], close["needs_reason"]) == (
            "declarations.approve_declaration",
            True,
        )

    @pytest.mark.parametrize("name", ["nope", "x" * 64])
    def test_an_unknown_one(self, api: Api, name: str) -> None:
        problem(api.get(f"workflows/{name}"), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("records", 8), ("transitions", 8), ("effects", 8), ("records/{record}", 26),
        ("records/{record}/trail", 8), ("records/{record}/timeline", 22), ("workflows", 6),
        ("transitions/{transition}", 16),
    ],
)  # fmt: skip
def test_the_number_of_statements_does_not_grow(
    api: Api, make: Make, django_assert_max_num_queries: Any, path: str, most: int
) -> None:
    record = make()
    asked = api.ask(record, "send_letter").json()
    for _ in range(20):
        api.ask(record, "send_letter", key=asked["id"])
    for _ in range(20):
        api.ask(make(), "send_letter")
    drain()
    where = path.format(record=record.pk, transition=asked["id"])
    api.get(where)
    with django_assert_max_num_queries(most):
        assert api.get(where).status_code == 200


def test_a_transition_that_does_not_exist(api: Api) -> None:
    problem(api.get(f"transitions/{uuid4()}"), 404, "not_found")
    problem(api.get("effects/1"), 404, "not_found")
