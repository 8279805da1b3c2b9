"""G1, G4, A1 to A3: asking for a transition over HTTP."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection

from audit.models import Entry
from tests.api.conftest import Api, Caller, allow, problem, start_probe, written
from workflow.engine import clock
from workflow.models import Origin, Record, TransitionEnvelope
from workflow.testing.drain import drain


def test_it_is_accepted_and_can_be_watched(api: Api, probe_record: Record) -> None:
    key = uuid4()
    response = api.ask(probe_record, key=key, reason="because")
    assert response.status_code == 202
    assert response.headers["Location"] == f"/api/v1/transitions/{key}"
    told = response.json()
    assert (told["id"], told["state"], told["reason"]) == (str(key), "waiting", "because")
    assert TransitionEnvelope.objects.get(pk=key).origin == Origin.API
    drain()
    seen = api.get(response.headers["Location"]).json()
    assert (seen["state"], seen["is_final"], seen["standing"]["tone"]) == ("fired", True, "good")
    assert [each["ending"] for each in seen["attempt_list"]] == ["fired"]


def test_the_same_again_gets_the_first_answer_and_is_marked(
    api: Api, probe_record: Record
) -> None:
    key = uuid4()
    first = api.ask(probe_record, key=key)
    again = api.ask(probe_record, key=str(key).upper())
    assert (first.status_code, again.status_code) == (202, 202)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    drain()
    later = api.ask(probe_record, key=f'"{key}"')
    assert (later.status_code, later.json()["state"]) == (202, "fired")
    assert TransitionEnvelope.objects.filter(origin=Origin.API).count() == 1


def test_a_refusal_repeated_is_the_refusal_again(api: Api, probe_record: Record) -> None:
    key = uuid4()
    first = api.ask(probe_record, "note", key=key, payload={"note": "x"})
    told = problem(first, 409, "wrong_status")
    again = api.ask(probe_record, "note", key=key, payload={"note": "x"})
    assert again.headers["Idempotency-Replayed"] == "true"
    same = {**problem(again, 409, "wrong_status"), "correlation_id": told["correlation_id"]}
    assert same == told
    assert told["refusals"]


def test_who_lost_a_race_and_asks_again_is_told_the_winner_again(
    api: Api, probe_record: Record
) -> None:
    key, winner = uuid4(), api.ask(probe_record).headers["Location"]
    first = problem(api.ask(probe_record, key=key), 409, "in_flight")
    drain()
    again = problem(api.ask(probe_record, key=key), 409, "in_flight")
    assert (again["transition"], again["refusals"]) == (winner, first["refusals"])


def test_the_same_key_for_something_else_does_nothing_and_tells_nothing(
    api: Api, keyed: Caller, probe_record: Record
) -> None:
    key = uuid4()
    api.ask(probe_record, key=key, reason="mine")
    before = TransitionEnvelope.objects.count()
    told = problem(api.ask(probe_record, key=key, reason="other"), 422, "idempotency_conflict")
    bob = allow(User.objects.create_user("bob"), "view_record", "request_transition")
    other = problem(
        keyed(bob).ask(probe_record, key=key, reason="mine"), 422, "idempotency_conflict"
    )
    assert told["detail"] == other["detail"]
    assert "mine" not in json.dumps([told, other])
    assert TransitionEnvelope.objects.count() == before
    assert Entry.objects.filter(action="conflict").count() == 2


def test_whoever_comes_second_is_told_who_is_in_flight(api: Api, probe_record: Record) -> None:
    first = api.ask(probe_record)
    told = problem(api.ask(probe_record), 409, "in_flight")
    assert told["transition"] == first.headers["Location"]
    assert told["refusals"][0]["code"] == "in_flight"


def test_fifty_at_once_are_one(api: Api, probe_record: Record, transactional_db: None) -> None:
    key = uuid4()

    def ask(_: int) -> int:
        try:
            return api.ask(probe_record, key=key).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(ask, range(50))) == {202}
    assert TransitionEnvelope.objects.count() == 1
    assert drain()["fired"] == 1


class TestPrecondition:
    def test_the_etag_of_the_record_lets_it_through(self, api: Api, probe_record: Record) -> None:
        etag = api.get(f"records/{probe_record.pk}").headers["ETag"]
        assert etag == '"0"'
        assert api.ask(probe_record, headers={"If-Match": etag}).status_code == 202

    @pytest.mark.parametrize("way", ["header", "body"])
    def test_a_record_that_has_moved_is_left_alone(
        self, api: Api, probe_record: Record, way: str
    ) -> None:
        api.ask(probe_record)
        drain()
        more: dict[str, Any] = (
            {"headers": {"If-Match": '"0"'}} if way == "header" else {"expected_version": 0}
        )
        problem(api.ask(probe_record, "note", payload={"note": "x"}, **more), 412, "stale")

    def test_that_it_has_moved_comes_before_what_only_follows_from_it(
        self, api: Api, probe_record: Record
    ) -> None:
        api.ask(probe_record)
        drain()
        told = problem(api.ask(probe_record, headers={"If-Match": '"0"'}), 412, "stale")
        assert [each["code"] for each in told["refusals"]] == ["stale", "wrong_status"]

    @pytest.mark.parametrize("text", ["0", '"x"', '"00"', 'W/"0"', "*", '"0", "1"'])
    def test_one_that_cannot_be_read_does_nothing(
        self, api: Api, probe_record: Record, nothing_written: None, text: str
    ) -> None:
        problem(api.ask(probe_record, headers={"If-Match": text}), 400, "malformed_header")

    def test_two_that_disagree_do_nothing(
        self, api: Api, probe_record: Record, nothing_written: None
    ) -> None:
        answer = api.ask(probe_record, headers={"If-Match": '"0"'}, expected_version=1)
        problem(answer, 400, "malformed_header")


def test_one_for_later_waits(api: Api, probe_record: Record) -> None:
    at = (clock.now() + timedelta(hours=1)).isoformat()
    told = api.ask(probe_record, due_at=at)
    assert (told.status_code, told.json()["state"]) == (202, "scheduled")


class TestBadInput:
    """A problem document, and nothing written."""

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"", 422, "invalid_request"),
            (b"{", 400, "malformed_body"),
            (b"\xff\xfe{}", 400, "malformed_body"),
            (b'{"transition": "open", "transition": "note"}', 400, "malformed_body"),
            (b'{"transition": "open", "payload": {"n": NaN}}', 400, "malformed_body"),
            (b'{"transition": "open", "payload": {"n": 1e999}}', 400, "malformed_body"),
            (b'{"transition": "open", "payload": {"n": "\\ud800"}}', 400, "malformed_body"),
            (b'{"transition": "open", "payload": ' + b"[" * 100_000, 400, "malformed_body"),
            (b'{"transition": "open", "payload": {"n": ' + b"9" * 5000 + b"}}", 400,
             "malformed_body"),
            (b"[]", 422, "invalid_request"),
            (b"null", 422, "invalid_request"),
            (b"{}", 422, "invalid_request"),
            (b'{"transition": 7}', 422, "invalid_request"),
            (b'{"transition": "Open!"}', 422, "invalid_request"),
            (b'{"transition": "nowhere"}', 422, "invalid_request"),
            (b'{"transition": "open", "colour": "red"}', 422, "invalid_request"),
            (b'{"transition": "open", "payload": {"colour": "red"}}', 422, "invalid_request"),
            (b'{"transition": "open", "payload": []}', 422, "invalid_request"),
            (b'{"transition": "open", "reason": ["x"]}', 422, "invalid_request"),
            (b'{"transition": "open", "reason": "a\\u0000b"}', 422, "invalid_request"),
            (b'{"transition": "open", "expected_version": "0"}', 422, "invalid_request"),
            (b'{"transition": "open", "expected_version": -1}', 422, "invalid_request"),
            (b'{"transition": "open", "expected_version": 99999999999}', 422, "invalid_request"),
            (b'{"transition": "open", "due_at": "tomorrow"}', 422, "invalid_request"),
            (b'{"transition": "open", "due_at": 1800000000}', 422, "invalid_request"),
            (b'{"transition": "open", "due_at": "2030-01-01T00:00:00"}', 422, "invalid_request"),
            (b'{"transition": "open", "due_at": "9999-12-31T23:59:59Z"}', 422, "invalid_request"),
            (b'{"transition": "close"}', 422, "invalid_request"),
        ],
    )  # fmt: skip
    def test_bodies(
        self,
        api: Api,
        probe_record: Record,
        nothing_written: None,
        body: bytes,
        status: int,
        code: str,
    ) -> None:
        address = f"records/{probe_record.pk}/transitions"
        answer = api.post(address, body, **{"Idempotency-Key": str(uuid4())})
        problem(answer, status, code)

    @pytest.mark.parametrize(
        ("body", "detail"),
        [
            ({"colour": "red"}, "body.colour: is not known here"),
            ({"transition": None}, "body.transition: Input should be a valid string"),
            ({"due_at": 5}, "body.due_at: is no time; send RFC 3339, as in 2026-01-31T12:00:00Z"),
        ],
    )
    def test_what_cannot_be_used_is_named(
        self, api: Api, probe_record: Record, body: dict[str, Any], detail: str
    ) -> None:
        told = problem(
            api.post(f"records/{probe_record.pk}/transitions", {"transition": "open", **body}),
            422,
            "invalid_request",
        )
        assert told["detail"] == detail
        assert f"body.{told['faults'][0]['where'][1]}: {told['faults'][0]['message']}" == detail

    @pytest.mark.parametrize(
        ("value", "says"),
        [
            (b"9" * 5000, "a number that is too large"),
            (b"1e999", "a number that is too large"),
            (b'"\\ud800"', "half of a surrogate pair"),
            (b'"\xff"', "no UTF-8"),
            (b"Infinity", "Infinity is no number"),
        ],
    )
    def test_a_body_that_cannot_be_read_is_told_why(
        self, api: Api, probe_record: Record, value: bytes, says: str
    ) -> None:
        body = b'{"transition": "open", "payload": {"n": ' + value + b"}}"
        answer = api.post(
            f"records/{probe_record.pk}/transitions", body, **{"Idempotency-Key": str(uuid4())}
        )
        assert says in problem(answer, 400, "malformed_body")["detail"]

    def test_a_huge_body(self, api: Api, probe_record: Record, nothing_written: None) -> None:
        answer = api.ask(probe_record, payload={"note": "x" * 3_000_000})
        problem(answer, 413, "body_too_large")

    def test_a_payload_above_the_limit(
        self, api: Api, probe_record: Record, nothing_written: None
    ) -> None:
        problem(api.ask(probe_record, payload={"note": "x" * 70_000}), 422, "invalid_request")

    def test_another_media_type(
        self, api: Api, probe_record: Record, nothing_written: None
    ) -> None:
        address = f"records/{probe_record.pk}/transitions"
        headers = {"Idempotency-Key": str(uuid4()), "content_type": "text/plain"}
        problem(api.post(address, "{}", **headers), 415, "media_type")

    def test_no_key(self, api: Api, probe_record: Record, nothing_written: None) -> None:
        answer = api.post(f"records/{probe_record.pk}/transitions", {"transition": "open"})
        problem(answer, 400, "idempotency_key_missing")

    @pytest.mark.parametrize("key", ["7", "not-a-uuid", "{}", "x" * 5000, '"', "\u0661" * 32])
    def test_a_key_that_is_no_uuid(
        self, api: Api, probe_record: Record, nothing_written: None, key: str
    ) -> None:
        problem(api.ask(probe_record, key=key), 400, "malformed_header")

    @pytest.mark.parametrize("text", ["two words", "x" * 65, "ä"])
    def test_a_correlation_id_that_cannot_be_kept(
        self, api: Api, probe_record: Record, nothing_written: None, text: str
    ) -> None:
        answer = api.ask(probe_record, headers={"X-Correlation-ID": text})
        told = problem(answer, 400, "malformed_header")
        assert told["correlation_id"] != text

    @pytest.mark.parametrize("path", ["records/7/transitions", "nowhere", "records//", "../x"])
    def test_an_address_that_does_not_exist(
        self, api: Api, nothing_written: None, path: str
    ) -> None:
        problem(api.post(path, {}), 404, "not_found")

    def test_another_method(self, api: Api, probe_record: Record, nothing_written: None) -> None:
        answer = api.client.delete(f"/api/v1/records/{probe_record.pk}", headers=api.headers)
        problem(answer, 405, "method_not_allowed")
        assert answer.headers["Allow"] == "GET"

    def test_a_record_that_does_not_exist(self, api: Api, nothing_written: None) -> None:
        problem(api.ask(Record(pk=uuid4())), 404, "not_found")


class TestWho:
    def test_without_the_transitions_permission_it_is_refused_and_entered(
        self, api: Api, probe_record: Record
    ) -> None:
        api.ask(probe_record)
        drain()
        told = problem(api.ask(probe_record, "close", reason="enough"), 403, "permission_denied")
        assert "approve_declaration" in told["detail"] + json.dumps(told["refusals"])
        assert Entry.objects.filter(chain=probe_record.pk, action="refused").count() == 1

    def test_without_the_right_to_ask_it_is_denied_and_entered(
        self, keyed: Caller, probe_record: Record
    ) -> None:
        bob = allow(User.objects.create_user("bob"), "view_record")
        before = TransitionEnvelope.objects.count()
        problem(keyed(bob).ask(probe_record), 403, "permission_denied")
        assert TransitionEnvelope.objects.count() == before
        assert Entry.objects.filter(chain=probe_record.pk, action="denied").count() == 1

    def test_a_record_that_one_may_not_see_is_not_there(
        self, keyed: Caller, probe_record: Record
    ) -> None:
        bob = allow(User.objects.create_user("bob"), "request_transition")
        other = keyed(bob)
        before = written()
        problem(other.ask(probe_record), 404, "not_found")
        problem(other.get(f"records/{probe_record.pk}"), 404, "not_found")
        assert other.get("records").json()["items"] == []
        assert other.get("transitions").json()["items"] == []
        assert written() == before


class TestBulk:
    def test_each_gets_an_answer_of_its_own(self, api: Api, ann: User) -> None:
        good, busy, unknown = start_probe(ann), start_probe(ann), uuid4()
        winner = api.ask(busy)
        wanted = [
            {"id": str(uuid4()), "record": str(record), "transition": name}
            for record, name in (
                (good.pk, "open"),
                (busy.pk, "open"),
                (unknown, "open"),
                (good.pk, "nowhere"),
            )
        ]
        response = api.post("transitions/bulk", {"requests": wanted})
        assert response.status_code == 200
        told = response.json()["answers"]
        assert [each["id"] for each in told] == [each["id"] for each in wanted]
        assert [(each["status"], each["code"]) for each in told] == [
            (202, ""),
            (409, "in_flight"),
            (404, "not_found"),
            (422, "invalid_request"),
        ]
        assert told[1]["transition"] == winner.headers["Location"]
        again = api.post("transitions/bulk", {"requests": wanted}).json()["answers"]
        assert [each["status"] for each in again] == [202, 409, 404, 422]
        envelope = TransitionEnvelope.objects.get(pk=wanted[0]["id"])
        assert envelope.get_priority_display() == "Bulk"

    def test_one_id_twice_does_nothing(self, api: Api, ann: User) -> None:
        record, key = start_probe(ann), str(uuid4())
        one = {"id": key, "record": str(record.pk), "transition": "open"}
        before = written()
        answer = api.post("transitions/bulk", {"requests": [one, one]})
        problem(answer, 422, "invalid_request")
        assert written() == before

    @pytest.mark.parametrize("number", [0, 501])
    def test_none_or_too_many_do_nothing(
        self, api: Api, nothing_written: None, number: int
    ) -> None:
        one = {"record": str(uuid4()), "transition": "open"}
        wanted = [{"id": str(uuid4()), **one} for _ in range(number)]
        problem(api.post("transitions/bulk", {"requests": wanted}), 422, "invalid_request")

    def test_it_takes_the_right_to_it(self, keyed: Caller, probe_record: Record) -> None:
        bob = allow(User.objects.create_user("bob"), "view_record", "request_transition")
        one = {"id": str(uuid4()), "record": str(probe_record.pk), "transition": "open"}
        answer = keyed(bob).post("transitions/bulk", {"requests": [one]})
        problem(answer, 403, "permission_denied")
        assert not TransitionEnvelope.objects.exists()
